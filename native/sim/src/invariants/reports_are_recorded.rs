//! P10: what a worker has reported of its lease is recorded.

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct ReportsAreRecorded;

impl Invariant for ReportsAreRecorded {
    fn name(&self) -> &'static str {
        "P10 reports are recorded"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() {
            return scene.no_opinion();
        }
        for told in &scene.workers.told {
            let held = &told.held;
            let lease = scene.entry_of(held).and_then(crate::model::Entry::lease);
            if lease.is_some_and(|lease| lease.token == held.token) {
                let (task, run) = (held.task, &held.run_id);
                return Err(format!("{:?} of task {task} of {run} is not recorded", told.outcome));
            }
        }
        Ok(())
    }
}
