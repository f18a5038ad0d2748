//! P36: a free slot and ready work that nothing holds back do not stand beside each other.

use super::invariant::{Invariant, Judged};
use crate::model::Run;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct ReadyWorkIsHandedOut;

impl Invariant for ReadyWorkIsHandedOut {
    fn name(&self) -> &'static str {
        "P36 ready work is handed out"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() || scene.has_suspects() {
            return scene.no_opinion();
        }
        for run in scene.model.live().filter(|run| !run.is_blurred) {
            let waiting = (0..run.entries.len()).find(|instance| {
                run.is_queued(*instance)
                    && is_free(scene, run, *instance)
                    && scene.has_slot(run, *instance)
            });
            if let Some(instance) = waiting {
                let name = run.name(instance);
                return Err(format!("{name} of run {} is ready, and a slot is free", run.id));
            }
        }
        Ok(())
    }
}

/// Whether no limit holds it back.
fn is_free(scene: &Scene, run: &Run, instance: usize) -> bool {
    let Some((task, item)) = run.place(instance) else { return false };
    let options = &run.flow.tasks[task].options;
    let all_leased = scene.model.live().flat_map(Run::leased).count();
    let has_limit = run.flow.max_concurrent_tasks.is_some()
        || (options.concurrency.is_some() && item.is_none())
        || options.concurrency_key.is_some()
        || options.rate.is_some();
    // Limits are held by what is at work, and rates are let go by time.
    !has_limit || (all_leased == 0 && options.rate.is_none())
}
