//! P10: what becomes of an attempt is recorded once, and only while it is in a worker's hands.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct OneResultAnAttempt;

impl Invariant for OneResultAnAttempt {
    fn name(&self) -> &'static str {
        "P10 one result an attempt"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return Ok(()) };
        let needs_lease = match event {
            Event::TaskCompleted(_) => found.is_work(),
            Event::TaskRetrying(_) | Event::TaskQuarantined(_) | Event::LeaseEnded(_) => true,
            _ => false,
        };
        if needs_lease && found.entry.lease().is_none() {
            let (name, state) = (found.name(), found.entry.word());
            return Err(format!("{} of {name}, which is {state}", event.kind()));
        }
        Ok(())
    }
}
