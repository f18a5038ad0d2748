//! P10: nothing is recorded of an attempt that its worker has not said, and nothing else.

use pyflow_core::event::{Event, LeaseEnd, TaskError};

use super::invariant::{Invariant, Judged};
use crate::flows::{Items, Work};
use crate::model::Lease;
use crate::world::{HOW_DIED, Outcome, Scene, Subject, Worker, kinds_of};

#[derive(Debug)]
pub(crate) struct RecordsHaveCauses;

impl Invariant for RecordsHaveCauses {
    fn name(&self) -> &'static str {
        "P10 records have causes"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        if let Event::TaskFailed(failed) = event {
            made_nothing_wrong(&found, &failed.error)?;
        }
        let Some(lease) = found.entry.lease() else { return scene.no_opinion() };
        let name = (found.run.id.clone(), found.task_index, found.item, lease.token);
        let said = scene.workers.spoken.get(&name).map_or(&[][..], Vec::as_slice);
        let is_right = match event {
            Event::TaskCompleted(done) => {
                let output = done.output.json();
                said.iter().any(|each| *each == Outcome::Completed(output.clone()))
            }
            Event::TaskFailed(failed) => said_failed(&failed.error, said, lease),
            Event::TaskRetrying(retrying) => {
                !lease.stop_asked && said_failed(&retrying.error, said, lease)
            }
            Event::TaskQuarantined(_) => {
                said.contains(&Outcome::Died) || is_of_the_dead(scene, lease)
            }
            Event::LeaseEnded(_) if lease.stop_asked => false,
            Event::LeaseEnded(ended) if ended.cause == LeaseEnd::WorkerDied as u8 => {
                said.contains(&Outcome::Died) && ended.message.as_deref() == Some(HOW_DIED)
            }
            Event::LeaseEnded(ended) if ended.cause == LeaseEnd::Returned as u8 => {
                said.contains(&Outcome::Returned)
            }
            Event::LeaseEnded(ended) if ended.cause == LeaseEnd::OwnerDied as u8 => {
                is_of_the_dead(scene, lease)
            }
            Event::LeaseEnded(ended) if ended.cause == LeaseEnd::Left as u8 => {
                let is_there = |worker: &Worker| worker.session == lease.session;
                let has_left = !scene.workers.present.iter().any(is_there);
                scene.workers.are_leaving || (!is_of_the_dead(scene, lease) && has_left)
            }
            Event::TaskCancelled(_) => {
                let was_asked = lease.stop_asked || found.run.stop.is_some();
                was_asked && (has_stopped(said) || ends_by_itself(scene, &found, lease))
            }
            _ => return scene.no_opinion(),
        };
        if is_right {
            return Ok(());
        }
        let (kind, name) = (event.kind(), found.name());
        Err(format!("{kind} of {name}, of which its worker said {said:?}"))
    }
}

/// An expression fails only where the definition was drawn so that it does.
fn made_nothing_wrong(found: &Subject<'_>, error: &TaskError) -> Judged {
    let may_fail = match &found.task().work {
        Work::Map { items, .. } => found.item.is_none() && matches!(items, Items::OutputOf(_)),
        Work::Transformation { has_items } => !has_items,
        Work::Activity { .. }
        | Work::Noop
        | Work::Now
        | Work::Timer { .. }
        | Work::Gateway
        | Work::Decision { .. } => false,
    };
    if may_fail || !error.error_type.starts_with("Expression") {
        return Ok(());
    }
    Err(format!("{} has failed with {}", found.name(), error.message))
}

/// Whether the worker has said that it failed so; of one that was asked to stop no failure is kept.
fn said_failed(error: &TaskError, said: &[Outcome], lease: Lease) -> bool {
    match &*error.error_type {
        "ValueError" | "KeyError" => {
            let is_it = |each: &Outcome| matches!(each, Outcome::Failed(failing) if failing.kept() == *error);
            !lease.stop_asked && said.iter().any(is_it)
        }
        "CancelledError" => !lease.stop_asked && said.contains(&Outcome::Cancelled),
        "TimeoutError" => {
            !lease.stop_asked && error.kinds.iter().map(|kind| &**kind).eq(kinds_of("TimeoutError"))
        }
        _ => true,
    }
}

/// Whether the process that handed it out is dead.
fn is_of_the_dead(scene: &Scene, lease: Lease) -> bool {
    lease.token >> 32 < u64::from(scene.epoch)
}

/// Whether the worker has said anything but that it has done its work.
fn has_stopped(said: &[Outcome]) -> bool {
    said.iter().any(|each| !matches!(each, Outcome::Completed(_)))
}

/// Whether a lease may be over without a word of its worker: it died with its process, was given back
/// at a polite end, or took too long to stop.
fn ends_by_itself(scene: &Scene, found: &Subject<'_>, lease: Lease) -> bool {
    let options = &found.task().options;
    let has_timeout = options.timeout_s.is_some()
        || options.heartbeat_timeout_s.is_some()
        || scene.swarm.default_timeout_ms.is_some();
    scene.workers.are_leaving || is_of_the_dead(scene, lease) || has_timeout
}
