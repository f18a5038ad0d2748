//! The process is killed in a call of the store, before or after its work is done.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the process is about to be killed", strike };

fn strike(world: &mut World) -> Struck {
    let after = world.scene.dice.between(0, 12);
    let trouble =
        if world.scene.dice.chance(50) { Trouble::KilledBefore } else { Trouble::KilledAfter };
    world.scene.disk.arm(after, trouble);
    world.pump()
}
