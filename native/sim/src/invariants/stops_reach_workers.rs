//! P19: who holds what is to stop, or is no longer its own, has been told so.

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct StopsReachWorkers;

impl Invariant for StopsReachWorkers {
    fn name(&self) -> &'static str {
        "P19 stops reach workers"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() {
            return scene.no_opinion();
        }
        for held in scene.workers.held() {
            let Some(entry) = scene.entry_of(held) else { continue };
            let Some(run) = scene.model.by_id(&held.run_id) else { continue };
            let lease = entry.lease().filter(|lease| lease.token == held.token);
            if let (Some(lease), Some("lost")) = (lease, held.stop_reason) {
                let asked = if lease.stop_asked { "asked to stop" } else { "its own" };
                return Err(format!(
                    "task {} of {} is {asked}, and told as lost",
                    held.task, run.id
                ));
            }
            if held.stop_told {
                continue;
            }
            let must_stop = lease.is_none_or(|lease| lease.stop_asked) || run.stop.is_some();
            if must_stop {
                let (task, run) = (held.task, &held.run_id);
                return Err(format!("task {task} of {run} is worked on, and nobody says stop"));
            }
        }
        Ok(())
    }
}
