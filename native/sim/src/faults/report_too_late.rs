//! A worker reports what it was asked to stop, or what has timed out meanwhile.

use bytes::Bytes;

use super::fault::{Fault, Struck};
use crate::world::{Held, Outcome, World};

pub(super) const FAULT: Fault = Fault { name: "a report comes too late", strike };

fn strike(world: &mut World) -> Struck {
    let asked: Vec<Held> =
        world.scene.workers.held().filter(|held| held.stop_told).cloned().collect();
    let Some(held) = world.scene.dice.fork().one_of(&asked).cloned() else { return Ok(()) };
    world.move_clock(5_000);
    world.report(&held, &Outcome::Completed(Bytes::from_static(b"\"late\"")));
    world.pump()
}
