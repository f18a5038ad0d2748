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

/// Whether no limit holds it back. Rates are let go by time.
pub(super) fn is_free(scene: &Scene, run: &Run, instance: usize) -> bool {
    run.place(instance).is_some_and(|(task, _)| {
        run.flow.tasks[task].options.rate.is_none() && scene.has_permit(run, instance)
    })
}
