//! The wall clock was set back when the next process looks at it.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the clock is set back", strike };

fn strike(world: &mut World) -> Struck {
    let span_ms = world.scene.dice.between(1, 86_400_000);
    world.die();
    world.scene.now -= span_ms;
    world.open()
}
