//! The process is killed, and the next one while it opens the store.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the process is killed while it opens", strike };

fn strike(world: &mut World) -> Struck {
    world.die();
    let after = world.scene.dice.between(0, 10);
    world.scene.disk.arm(after, Trouble::KilledBefore);
    world.open()
}
