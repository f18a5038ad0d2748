//! The next checkpoint is refused and leaves nothing: the one after it must keep all that it would have.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a checkpoint is about to be refused", strike };

fn strike(world: &mut World) -> Struck {
    world.scene.disk.arm(0, Trouble::CheckpointRefused);
    world.pump()
}
