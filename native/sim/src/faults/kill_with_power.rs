//! The power goes: what was not synced is lost from some point on.

use super::fault::{Fault, Struck};
use crate::probes::WRITES_LOST;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the power goes", strike };

fn strike(world: &mut World) -> Struck {
    world.die();
    let mut dice = world.scene.dice.fork();
    if world.scene.disk.cut_power(&mut dice) > 0 {
        world.scene.tally.probe(WRITES_LOST);
    }
    world.scene.now += dice.between(0, 60_000);
    world.open()
}
