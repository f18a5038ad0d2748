//! P49: whatever is asked and whatever befalls the disk, the code under test does not break.

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

/// Also of what breaks where no judge can be asked.
pub(crate) const NO_FACT_BREAKS: &str = "P49 no fact breaks";

#[derive(Debug)]
pub(crate) struct NoFactBreaks;

impl Invariant for NoFactBreaks {
    fn name(&self) -> &'static str {
        NO_FACT_BREAKS
    }

    fn called(&mut self, _scene: &Scene, broken: Option<&str>) -> Judged {
        broken.map_or(Ok(()), |words| Err(words.into()))
    }
}
