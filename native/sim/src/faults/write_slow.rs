//! A call of the store takes long; time goes on meanwhile.

use super::fault::{Fault, Struck};
use crate::disk::Trouble;
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "a call is about to be slow", strike };

fn strike(world: &mut World) -> Struck {
    let after = world.scene.dice.between(0, 4);
    let span_ms = world.scene.dice.between(1, 90_000);
    world.scene.disk.arm(after, Trouble::Slow { span_ms });
    world.pump()
}
