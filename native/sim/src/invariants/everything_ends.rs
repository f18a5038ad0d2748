//! P35: everything ends in bounded time once faults are over.

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct EverythingEnds;

impl Invariant for EverythingEnds {
    fn name(&self) -> &'static str {
        "P35 everything ends once faults are over"
    }

    fn waited(&mut self, _scene: &Scene, endless: Option<&str>) -> Judged {
        endless.map_or(Ok(()), |what| Err(what.into()))
    }
}
