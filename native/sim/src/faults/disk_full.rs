//! There is no room on the disk; later there is again.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the disk is full for a while", strike };

fn strike(world: &mut World) -> Struck {
    let is_full = !world.scene.disk.is_full();
    world.scene.disk.set_full(is_full);
    if !is_full {
        // The ring looks once a second whether there is room again.
        world.move_clock(1_000);
    }
    world.pump()
}
