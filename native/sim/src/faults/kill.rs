//! The process is killed between two turns; what it wrote is with the operating system.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the process is killed", strike };

fn strike(world: &mut World) -> Struck {
    world.die_and_return()
}
