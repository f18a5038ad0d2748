//! A block is read wrong, and its checksum shows it.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a block is about to be misread", strike };

fn strike(world: &mut World) -> Struck {
    let after = world.scene.dice.between(0, 8);
    world.scene.disk.arm(after, Trouble::Misread);
    if world.scene.dice.chance(50) {
        return world.die_and_return();
    }
    Ok(())
}
