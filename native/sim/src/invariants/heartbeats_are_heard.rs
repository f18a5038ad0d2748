//! P15, P12: who beats is not taken for silent, and what it told reaches the next attempt.

use bytes::Bytes;
use pyflow_core::event::{Event, LeaseEnd};

use super::invariant::{Invariant, Judged};
use crate::world::{Attempt, Scene};

#[derive(Debug)]
pub(crate) struct HeartbeatsAreHeard;

impl Invariant for HeartbeatsAreHeard {
    fn name(&self) -> &'static str {
        "P15 heartbeats are heard"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        silence_was_long(scene, event)?;
        let details = match event {
            Event::TaskRetrying(retrying) => &retrying.details,
            Event::LeaseEnded(ended) if ended.cause != LeaseEnd::OwnerDied as u8 => &ended.details,
            _ => return scene.no_opinion(),
        };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let Some(lease) = found.entry.lease() else { return scene.no_opinion() };
        let attempt = (found.run.id.clone(), found.task_index, found.item, lease.token);
        match scene.workers.beats.get(&attempt).and_then(|beat| beat.details.as_ref()) {
            Some(told)
                if details.as_ref() != Some(told)
                    && !is_newer(scene, &attempt, details.as_ref()) =>
            {
                Err(format!("{} told {told:?}, and {details:?} is kept", found.name()))
            }
            // What an attempt before it told stays, where it has told nothing itself.
            None if matches!(event, Event::TaskRetrying(_))
                && *details != found.entry.details
                && !is_newer(scene, &attempt, details.as_ref()) =>
            {
                let kept = &found.entry.details;
                Err(format!("{} had {kept:?}, and {details:?} is kept", found.name()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether it was told since: it waited at the door when the ring was turned.
fn is_newer(scene: &Scene, attempt: &Attempt, details: Option<&Bytes>) -> bool {
    let mut at_door = scene.workers.beats_at_door.iter();
    at_door.any(|sign| sign.attempt == *attempt && details == sign.details.as_ref())
}

/// Whether nothing was heard for as long as the task allows, where it is failed for its silence.
fn silence_was_long(scene: &Scene, event: &Event) -> Judged {
    let error = match event {
        Event::TaskRetrying(retrying) => &retrying.error,
        Event::TaskFailed(failed) => &failed.error,
        _ => return Ok(()),
    };
    let Some(found) = scene.subject(event).filter(|_| error.message.contains("heartbeat")) else {
        return Ok(());
    };
    let Some(lease) = found.entry.lease() else { return Ok(()) };
    let attempt = (found.run.id.clone(), found.task_index, found.item, lease.token);
    let heard_at = scene.workers.beats.get(&attempt).map_or(lease.at, |beat| beat.told_at);
    let span_ms = found.task().options.heartbeat_timeout_s.unwrap_or(u64::MAX / 2_000) * 1_000;
    let at = event.at().0;
    if at >= heard_at + span_ms {
        return Ok(());
    }
    Err(format!("{} was heard at {heard_at} and is silent at {at}", found.name()))
}
