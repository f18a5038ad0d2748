//! A client no longer waits for its answer.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a client leaves", strike };

fn strike(world: &mut World) -> Struck {
    let waiting: Vec<u64> = world.scene.ledger.waiting().map(|(ticket, _)| ticket).collect();
    let Some(ticket) = world.scene.dice.fork().one_of(&waiting).copied() else { return Ok(()) };
    world.forget(ticket);
    world.pump()
}
