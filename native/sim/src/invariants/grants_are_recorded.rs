//! P14, P33: what a worker holds is on record, and what is on record somebody holds.

use pyflow_core::effect::Granted;

use super::invariant::{Invariant, Judged};
use crate::world::{Held, Scene};

#[derive(Debug)]
pub(crate) struct GrantsAreRecorded;

impl Invariant for GrantsAreRecorded {
    fn name(&self) -> &'static str {
        "P14 grants are recorded"
    }

    fn granted(&mut self, scene: &Scene, _granted: &Granted, held: &Held) -> Judged {
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
        if is_recorded { Ok(()) } else { Err(format!("{name}: {held:?} is not on record")) }
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() {
            return Ok(());
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
