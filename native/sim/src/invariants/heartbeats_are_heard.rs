//! P15, P12: who beats is not taken for silent, and what it told reaches the next attempt.

use pyflow_core::event::{Event, LeaseEnd};

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct HeartbeatsAreHeard;

impl Invariant for HeartbeatsAreHeard {
    fn name(&self) -> &'static str {
        "P15 heartbeats are heard"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let details = match event {
            Event::TaskRetrying(retrying) => &retrying.details,
            Event::LeaseEnded(ended) if ended.cause != LeaseEnd::OwnerDied as u8 => &ended.details,
            _ => return Ok(()),
        };
        let Some(found) = scene.subject(event) else { return Ok(()) };
        let Some(lease) = found.entry.lease() else { return Ok(()) };
        let attempt = (found.run.id.clone(), found.task_index, found.item, lease.token);
        match scene.workers.beats.get(&attempt) {
            // What comes at the very time of a timeout may come after it.
            Some((at, told)) if *at < event.at().0 && details.as_ref() != Some(told) => {
                Err(format!("{} told {told:?}, and {details:?} is kept", found.name()))
            }
            Some(_) | None => Ok(()),
        }
    }
}
