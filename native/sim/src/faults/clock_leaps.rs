//! The wall clock is far ahead when the next process looks at it.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "the clock leaps ahead", strike };

fn strike(world: &mut World) -> Struck {
    let span_ms = [60_000, 86_400_000, 31_536_000_000][world.scene.dice.below(3)];
    world.die();
    world.scene.now += span_ms;
    world.open()
}
