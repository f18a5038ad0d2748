//! A sync fails after the write: nobody knows whether it is on the disk.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a sync is about to fail", strike };

fn strike(world: &mut World) -> Struck {
    let after = world.scene.dice.between(0, 6);
    world.scene.disk.arm(after, Trouble::SyncFails);
    world.pump()
}
