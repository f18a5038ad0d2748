//! Another process opens the store beside the living one, which must not write any more.

use super::fault::{Fault, Struck};
use crate::world::World;

pub(super) const FAULT: Fault = Fault { name: "another owner takes over", strike };

fn strike(world: &mut World) -> Struck {
    world.scene.trouble_count += 1; // What is written from now on is fenced.
    world.scene.disk.disarm();
    let usurper = world.scene.disk.open().is_ok();
    assert!(usurper, "a disk without trouble can be opened");
    world.pump()?;
    world.die_and_return()
}
