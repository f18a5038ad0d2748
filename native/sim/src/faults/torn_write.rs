//! The power goes while something is written: that is torn, and what was not synced may be gone.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a write is about to be torn", strike };

fn strike(world: &mut World) -> Struck {
    let after = world.scene.dice.between(0, 6);
    let left_percent = world.scene.dice.between(0, 100) as u8;
    world.scene.disk.arm(after, Trouble::Torn { left_percent });
    world.pump()
}
