//! A story from its first step to its end.

use super::opening;
use crate::dice::Dice;
use crate::faults::FAULTS;
use crate::invariants::NO_FACT_BREAKS;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::world::{Ended, Failure, World, guarded};

/// What came of a seed.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) seed: u64,
    pub(crate) failure: Option<Failure>,
    pub(crate) tally: Tally,
}

/// Plays one seed.
pub(crate) fn tell(seed: u64, trace: Trace, has_canary: bool) -> Told {
    let mut dice = Dice::new(seed);
    let mut world = match guarded(|| opening::world(&mut dice, trace, has_canary)) {
        Ok(world) => world,
        Err(Ended::Killed) => unreachable!("nothing is killed before it begins"),
        Err(Ended::Broke(words)) => return broken(seed, words),
    };
    let played = guarded(|| play(&mut world, &mut dice));
    let failure = match played {
        Ok(outcome) => outcome.err(),
        Err(Ended::Killed) => {
            Some(world.fails("the simulator", "killed at the wrong place".into()))
        }
        Err(Ended::Broke(words)) => Some(world.fails(NO_FACT_BREAKS, words)),
    };
    world.close_tally();
    let tally = std::mem::take(&mut world.scene.tally);
    Told { seed, failure, tally }
}

fn broken(seed: u64, words: String) -> Told {
    let failure = Failure { invariant: NO_FACT_BREAKS, message: words, step: 0 };
    Told { seed, failure: Some(failure), tally: Tally::default() }
}

fn play(world: &mut World, dice: &mut Dice) -> Result<(), Failure> {
    let swarm = world.scene.swarm.clone();
    world.scene.trace.tell(format_args!("{swarm:?}"));
    world.open()?;
    world.deploy_all()?;
    for step in 1..=world.scene.swarm.steps {
        world.step = step;
        world.scene.tally.steps += 1;
        let now = world.scene.now;
        world.scene.trace.tell(format_args!("step {step} at {now}"));
        one_step(world, dice)?;
    }
    world.calm_down(dice)?;
    world.end()
}

fn one_step(world: &mut World, dice: &mut Dice) -> Result<(), Failure> {
    if dice.chance(world.scene.swarm.fault_percent) {
        return one_fault(world, dice);
    }
    match dice.below(100) {
        0..=39 => world.work(dice),
        40..=64 => world.use_clients(dice)?,
        65..=84 => world.wait_for_wake(),
        place if place < 100 - world.scene.swarm.day_percent => {
            world.move_clock([1, 50, 1_000, 30_000][dice.below(4)]);
        }
        _ => world.move_clock(26 * 3_600_000),
    }
    // Sometimes several things come in one turn.
    if dice.chance(75) { world.pump() } else { Ok(()) }
}

fn one_fault(world: &mut World, dice: &mut Dice) -> Result<(), Failure> {
    let Some(index) = dice.weighed(&world.scene.swarm.fault_weights) else { return Ok(()) };
    let fault = FAULTS[index];
    world.scene.tally.fault(fault.name);
    world.scene.trace.tell(format_args!("fault: {}", fault.name));
    (fault.strike)(world)
}
