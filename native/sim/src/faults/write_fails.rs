//! A write fails and leaves nothing: the store takes no more until it is opened again.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a write is about to fail", strike };

fn strike(world: &mut World) -> Struck {
    let after = world.scene.dice.between(0, 6);
    world.scene.disk.arm(after, Trouble::WriteFails);
    world.pump()
}
