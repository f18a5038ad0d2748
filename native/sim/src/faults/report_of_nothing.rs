//! A worker reports an attempt that was never handed out to it.

use bytes::Bytes;

use super::fault::{Fault, Struck};
use crate::world::{Outcome, World};

pub(super) const FAULT: Fault = Fault { name: "a report of nothing comes", strike };

fn strike(world: &mut World) -> Struck {
    let Some(mut held) = world.some_held() else { return Ok(()) };
    (held.handle, held.token) = (held.handle + 1_000_000, u64::MAX);
    world.report(&held, &Outcome::Completed(Bytes::from_static(b"\"made up\"")));
    world.pump()
}
