//! Runs by chance: anything may happen at any time, and all that must hold is checked after every
//! turn. In the end, when nothing disturbs them any more, all runs end.

use proptest::prelude::*;
use pyflow_core::command::{Outcome, RunVerb, TaskVerb};
use pyflow_core::event::LeaseEnd;
use pyflow_core::lifecycle::RunState;
use pyflow_core::payload::Payload;
use pyflow_core::schedule::{Strategy as Sharing, Weights};
use pyflow_core::shard::ShardSettings;
use serde_json::json;

use crate::random_flows::document;
use crate::support::{Dice, Rig, error};

const OUTPUTS: [&str; 6] = ["null", "1", "[1,2,3]", "[]", "{\"a\":[true]}", "\"text\""];

struct Story {
    rig: Rig,
    dice: Dice,
    started: usize,
}

impl Story {
    fn new(seed: u64, tasks: usize) -> Self {
        let mut dice = Dice::new(seed);
        let strategy = if dice.chance(30) {
            Sharing::WeightedFairShare(Weights::default())
        } else {
            Sharing::Strict
        };
        let max_concurrent_runs = if dice.chance(30) { 1 + dice.below(2) } else { usize::MAX };
        let settings = ShardSettings { strategy, max_concurrent_runs, ..ShardSettings::default() };
        let slots = [1 + dice.below(4) as u32, 1, 1 + dice.below(2) as u32];
        let mut rig = Rig::with_slots(settings, slots);
        for flow in 0..2 {
            let document = document(&mut dice, &format!("flow{flow}"), tasks);
            rig.deploy(&document).expect("a definition made by chance can be deployed");
        }
        Self { rig, dice, started: 0 }
    }

    fn start(&mut self) {
        let name = format!("flow{}", self.dice.below(2));
        self.started += 1;
        let run_id = format!("r{}", self.started);
        let mut start = Rig::start(&run_id, &name);
        start.chosen = self.dice.chance(30);
        let flag = self.dice.chance(50);
        start.input = Payload::new(json!({"flag": flag}).to_string().into());
        if self.dice.chance(30) {
            start.key = Some(format!("k{}", self.dice.below(3)).into());
        }
        drop(self.rig.begin(start));
    }

    fn a_run(&mut self) -> Option<String> {
        let runs = self.rig.run_ids();
        self.dice.pick(&runs).cloned()
    }

    fn step(&mut self) {
        if self.dice.chance(10) {
            self.rig.gathers = !self.rig.gathers;
            self.rig.pump();
        }
        match self.dice.below(100) {
            0..=39 => self.report(),
            40..=44 => self.start(),
            45..=48 => self.control(),
            49..=54 => self.control_task(),
            55..=58 => self.lose(),
            59..=61 => self.beat(),
            62..=63 => {
                // What was not kept is lost with the process.
                let was_polite = self.dice.chance(40);
                self.rig.restart(was_polite);
            }
            64 => self.rig.lose_turn(),
            65..=84 => {
                self.rig.advance_to_wake();
            }
            85..=98 => {
                let span_ms = [1, 50, 1_000, 30_000][self.dice.below(4)];
                self.rig.advance(span_ms);
            }
            _ => self.rig.advance(26 * 3_600_000),
        }
    }

    fn report(&mut self) {
        let Some(given) = self.dice.pick(&self.rig.given).cloned() else {
            self.rig.advance_to_wake();
            return;
        };
        let outcome = match self.dice.below(10) {
            0..=6 => {
                let output = OUTPUTS[self.dice.below(OUTPUTS.len())];
                Outcome::Completed { output: Payload::new(output.into()) }
            }
            7 | 8 => Outcome::Failed { error: Box::new(error("ValueError")) },
            _ => Outcome::Cancelled,
        };
        self.rig.report(&given, outcome);
        if self.dice.chance(10) {
            // It is said twice.
            self.rig.report(&given, Outcome::Completed { output: Payload::default() });
        }
    }

    fn control(&mut self) {
        let Some(run_id) = self.a_run() else { return };
        let verb = match self.dice.below(8) {
            0..=2 => RunVerb::Pause,
            3..=5 => RunVerb::Resume,
            6 => RunVerb::Cancel { reason: "enough".into() },
            _ => RunVerb::Recover,
        };
        drop(self.rig.control(&run_id, verb));
    }

    fn control_task(&mut self) {
        let Some(run_id) = self.a_run() else { return };
        let names = self.rig.look(&run_id, |run| {
            let instances = 0..run.instance_count() as u32;
            instances
                .map(|i| run.instance_id(pyflow_core::ids::InstanceIndex(i)))
                .collect::<Vec<_>>()
        });
        let Some(name) = self.dice.pick(&names) else { return };
        let verb = if self.dice.chance(70) { TaskVerb::Recover } else { TaskVerb::Cancel };
        drop(self.rig.on_task(&run_id, name, verb));
    }

    fn lose(&mut self) {
        let Some(given) = self.dice.pick(&self.rig.given).cloned() else { return };
        let causes = [LeaseEnd::Returned, LeaseEnd::WorkerDied, LeaseEnd::Left];
        let cause = causes[self.dice.below(3)];
        if self.dice.chance(50) {
            self.rig.close(given.session, cause);
            self.rig.connect();
        } else {
            self.rig.lose(&given, cause);
        }
    }

    fn beat(&mut self) {
        if let Some(given) = self.dice.pick(&self.rig.given).cloned() {
            self.rig.heartbeat_of(&given, "\"half\"");
            self.rig.say_of(&given, &["half", "of it"]);
        }
    }

    /// Nothing disturbs any more: all that is given completes, all that waits is waited for.
    fn calm_down(&mut self) {
        self.rig.gathers = false;
        self.rig.pump();
        for run_id in self.rig.run_ids() {
            drop(self.rig.control(&run_id, RunVerb::Resume));
        }
        for _ in 0..2_000 {
            if self.rig.shard.state().runs().all(|run| run.state().is_terminal()) {
                return;
            }
            if let Some(given) = self.rig.given.first().cloned() {
                let output = Payload::new("[1]".into());
                self.rig.report(&given, Outcome::Completed { output });
            } else {
                let woke = self.rig.advance_to_wake();
                assert!(woke, "nothing is at work and nothing is due");
            }
        }
        let live = self.rig.shard.state().runs().filter(|run| !run.state().is_terminal());
        let live: Vec<&str> = live.map(|run| &**run.run_id()).collect();
        panic!("{live:?} did not end");
    }
}

fn tell(seed: u64, tasks: usize, steps: usize) {
    let mut story = Story::new(seed, tasks);
    story.start();
    for _ in 0..steps {
        story.step();
    }
    story.calm_down();
    for run_id in &story.rig.run_ids() {
        let state = story.rig.run_state(run_id);
        assert!(
            matches!(state, RunState::Completed | RunState::Failed | RunState::Cancelled),
            "{run_id} is {state:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_all_that_must_hold_holds_and_all_runs_end(
        seed in any::<u64>(),
        tasks in 1_usize..14,
        steps in 0_usize..120,
    ) {
        tell(seed, tasks, steps);
    }
}
