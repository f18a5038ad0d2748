//! A worker takes nothing more, gives back what it has not begun, and another one comes.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a worker leaves", strike };

fn strike(world: &mut World) -> Struck {
    let sessions: Vec<u32> =
        world.scene.workers.present.iter().map(|worker| worker.session).collect();
    let Some(session) = world.scene.dice.fork().one_of(&sessions).copied() else { return Ok(()) };
    world.drain_worker(session);
    world.connect_worker();
    world.pump()
}
