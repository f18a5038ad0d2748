//! P31: recorded times never go back, and none is ahead of the clock.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct TimeGoesForward;

impl Invariant for TimeGoesForward {
    fn name(&self) -> &'static str {
        "P31 time goes forward"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let (at, latest, now) = (event.at().0, scene.model.latest, scene.now);
        if at < latest {
            return Err(format!("{} at {at} after {latest}", event.kind()));
        }
        if at > now {
            return Err(format!("{} at {at}, and it is only {now}", event.kind()));
        }
        Ok(())
    }
}
