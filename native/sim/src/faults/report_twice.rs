//! A worker reports once more what it has reported before, or something else of the same attempt.

use bytes::Bytes;

use super::fault::{Fault, Struck};
use crate::world::{Failing, Outcome, World};

pub(super) const FAULT: Fault = Fault { name: "a report is repeated", strike };

fn strike(world: &mut World) -> Struck {
    let told = world.scene.dice.fork().one_of(&world.scene.workers.told).cloned();
    let Some(told) = told else { return Ok(()) };
    let outcome = match world.scene.dice.below(3) {
        0 => Outcome::Failed(Failing {
            error_type: "ValueError",
            retryable: None,
            retry_after_ms: None,
            number: 0,
            is_long: false,
        }),
        1 => Outcome::Completed(Bytes::from_static(b"\"again\"")),
        _ => told.outcome.clone(),
    };
    world.report(&told.held, &outcome);
    world.pump()
}
