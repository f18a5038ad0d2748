//! P10: what becomes of an attempt is recorded once, and only while it is in a worker's hands.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::{Scene, Subject};

#[derive(Debug)]
pub(crate) struct OneResultAnAttempt;

impl Invariant for OneResultAnAttempt {
    fn name(&self) -> &'static str {
        "P10 one result an attempt"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        attempt_is_next(event, &found)?;
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

/// Whether an event names the attempt that is made; after a recover the numbers go on.
fn attempt_is_next(event: &Event, found: &Subject<'_>) -> Judged {
    let attempt = match event {
        Event::TaskLeased(leased) if found.entry.is_renewed => {
            let begun = found.entry.begun;
            let is_next = leased.attempt > begun;
            let told = || format!("attempt {} of {} after {begun}", leased.attempt, found.name());
            return if is_next { Ok(()) } else { Err(told()) };
        }
        Event::TaskLeased(leased) => leased.attempt,
        Event::TaskFailed(failed) => failed.attempt,
        Event::TaskQuarantined(lost) => lost.attempt,
        Event::TaskRetrying(retrying) => retrying.attempt,
        Event::TaskSaid(said) => said.attempt,
        _ => return Ok(()),
    };
    if attempt == found.entry.attempt || found.entry.is_renewed || found.run.is_blurred {
        return Ok(());
    }
    let (kind, name, wanted) = (event.kind(), found.name(), found.entry.attempt);
    Err(format!("{kind} of attempt {attempt} of {name}, which is at {wanted}"))
}
