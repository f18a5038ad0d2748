//! The process stands still while time goes on: all that was due meanwhile is due at once.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the process is paused", strike };

fn strike(world: &mut World) -> Struck {
    let span_ms = [1_000, 600_000, 93_600_000][world.scene.dice.below(3)];
    world.move_clock(span_ms);
    world.pump()
}
