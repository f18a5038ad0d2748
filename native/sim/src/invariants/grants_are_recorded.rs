//! P14, P33: what a worker holds is on record, and what is on record somebody holds.

use pyflow_core::effect::Granted;

use super::invariant::{Invariant, Judged};
use crate::model::Entry;
use crate::world::{Held, Scene};

#[derive(Debug)]
pub(crate) struct GrantsAreRecorded;

impl Invariant for GrantsAreRecorded {
    fn name(&self) -> &'static str {
        "P14 grants are recorded"
    }

    fn granted(&mut self, scene: &Scene, granted: &Granted, held: &Held) -> Judged {
        let name = format!("task {} of {}", held.task, held.run_id);
        let Some(entry) = scene.entry_of(held) else {
            return Err(format!("{name} was handed out and is not in the log"));
        };
        let is_recorded = match entry.lease() {
            Some(lease) => {
                (lease.token, lease.session, entry.attempt)
                    == (held.token, held.session, held.attempt)
            }
            None => entry.token == held.token,
        };
        if !is_recorded {
            return Err(format!("{name}: {held:?} is not on record"));
        }
        belongings_are_right(scene, granted, held)
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() {
            return scene.no_opinion();
        }
        for run in scene.model.live() {
            for (instance, lease) in run.leased() {
                let is_held = scene.workers.held().any(|held| {
                    held.run_id == run.id
                        && held.token == lease.token
                        && run.instance_of(held.task, held.item) == Some(instance)
                });
                if !is_held {
                    let name = run.name(instance);
                    return Err(format!("{name} of {} is leased, and nobody holds it", run.id));
                }
            }
        }
        Ok(())
    }
}

/// Whether an attempt is told until when it has time, and what its run was started with.
fn belongings_are_right(scene: &Scene, granted: &Granted, held: &Held) -> Judged {
    let Some(run) = scene.model.by_id(&held.run_id) else { return Ok(()) };
    if granted.metadata != run.metadata {
        return Err(format!("run {} has not the metadata {:?}", run.id, granted.metadata));
    }
    let Some(lease) = scene.entry_of(held).and_then(Entry::lease) else { return Ok(()) };
    let own_ms = run.flow.tasks[held.task].options.timeout_s.map(|span_s| span_s * 1_000);
    let span_ms = own_ms.or(scene.swarm.default_timeout_ms);
    let wanted = span_ms.map(|span_ms| lease.at + span_ms);
    if lease.token == held.token && granted.deadline_ms != wanted {
        let told = granted.deadline_ms;
        return Err(format!(
            "task {} of {} has time until {told:?}, not {wanted:?}",
            held.task, run.id
        ));
    }
    Ok(())
}
