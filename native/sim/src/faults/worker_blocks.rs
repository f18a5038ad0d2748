//! An attempt never comes back: its worker is blocked for good.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a worker is blocked", strike };

fn strike(world: &mut World) -> Struck {
    let Some(held) = world.some_held() else { return Ok(()) };
    if let Some(held) = world.scene.workers.find_mut(held.handle) {
        held.is_blocked = true;
    }
    world.pump()
}
