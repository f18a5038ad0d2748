//! A write is refused and leaves nothing: the store stays usable.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a write is about to be refused", strike };

fn strike(world: &mut World) -> Struck {
    let after = world.scene.dice.between(0, 6);
    world.scene.disk.arm(after, Trouble::Refused);
    world.pump()
}
