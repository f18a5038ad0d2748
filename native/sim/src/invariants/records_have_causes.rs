//! P10: nothing is recorded of an attempt that its worker has not said, and nothing else.

use pyflow_core::event::{Event, LeaseEnd};

use super::invariant::{Invariant, Judged};
use crate::world::{Outcome, Scene, Subject};

#[derive(Debug)]
pub(crate) struct RecordsHaveCauses;

impl Invariant for RecordsHaveCauses {
    fn name(&self) -> &'static str {
        "P10 records have causes"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return Ok(()) };
        let Some(lease) = found.entry.lease() else { return Ok(()) };
        let name = (found.run.id.clone(), found.task_index, found.item, lease.token);
        let said = scene.workers.spoken.get(&name).map_or(&[][..], Vec::as_slice);
        let is_right = match event {
            Event::TaskCompleted(done) => {
                let output = done.output.json();
                said.iter().any(|each| *each == Outcome::Completed(output.clone()))
            }
            Event::TaskFailed(failed) => said_failed(&failed.error.error_type, said),
            Event::TaskRetrying(retrying) => said_failed(&retrying.error.error_type, said),
            Event::TaskQuarantined(_) => has_died(said, &found),
            Event::LeaseEnded(ended) if ended.cause == LeaseEnd::WorkerDied as u8 => {
                said.contains(&Outcome::Died)
            }
            Event::LeaseEnded(ended) if ended.cause == LeaseEnd::Returned as u8 => {
                said.contains(&Outcome::Returned)
            }
            Event::TaskCancelled(_) => lease.stop_asked || found.run.stop.is_some(),
            _ => true,
        };
        if is_right {
            return Ok(());
        }
        let (kind, name) = (event.kind(), found.name());
        Err(format!("{kind} of {name}, of which its worker said {said:?}"))
    }
}

fn said_failed(error_type: &str, said: &[Outcome]) -> bool {
    match error_type {
        "ValueError" | "KeyError" => {
            let is_it = |each: &Outcome| matches!(each, Outcome::Failed(failing) if failing.error_type == error_type);
            said.iter().any(is_it)
        }
        "CancelledError" => said.contains(&Outcome::Cancelled),
        _ => true,
    }
}

/// A worker's death, or that of the whole process, under it.
fn has_died(said: &[Outcome], found: &Subject<'_>) -> bool {
    said.contains(&Outcome::Died) || found.entry.lease().is_some()
}
