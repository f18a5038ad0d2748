//! The process of a worker dies under an attempt.

use super::fault::{Fault, Struck};
use crate::world::{Outcome, World};

pub(super) const FAULT: Fault = Fault { name: "a worker process dies", strike };

fn strike(world: &mut World) -> Struck {
    let Some(held) = world.some_held() else { return Ok(()) };
    world.report(&held, &Outcome::Died);
    world.pump()
}
