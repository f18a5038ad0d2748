//! A client no longer waits for its answer.

use super::fault::{Fault, Struck};
use crate::world::{Ask, World};

pub(super) const FAULT: Fault = Fault { name: "a client leaves", strike };

fn strike(world: &mut World) -> Struck {
    let waiting: Vec<u64> = world.scene.ledger.waiting().map(|(ticket, _)| ticket).collect();
    // Who waits for an end, half of the time: those who follow all runs are many.
    let of_ends: Vec<u64> = world
        .scene
        .ledger
        .waiting()
        .filter(|(_, asked)| matches!(asked.ask, Ask::Result { .. }))
        .map(|(ticket, _)| ticket)
        .collect();
    let means_end = !of_ends.is_empty() && world.scene.dice.fork().chance(50);
    let waiting = if means_end { of_ends } else { waiting };
    let Some(ticket) = world.scene.dice.fork().one_of(&waiting).copied() else { return Ok(()) };
    world.forget(ticket);
    world.pump()
}
