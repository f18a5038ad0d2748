//! The process ends politely: what its workers held goes back uncounted.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the process ends politely", strike };

fn strike(world: &mut World) -> Struck {
    world.close_and_return()
}
