//! P40: what was refused has left nothing behind.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::{Asked, Scene};

/// Runs that were refused for certain, by their ids.
#[derive(Debug, Default)]
pub(crate) struct RefusalsLeaveNoTrace {
    refused: Vec<String>,
}

impl Invariant for RefusalsLeaveNoTrace {
    fn name(&self) -> &'static str {
        "P40 refusals leave no trace"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Some(Err(refusal)) = &asked.answer else { return scene.no_opinion() };
        // A store that has failed may have kept it.
        let is_certain = matches!(refusal.code, "PF2004" | "PF1103" | "PF1002" | "PF1107");
        if !is_certain || asked.ask.starts().is_empty() {
            return scene.no_opinion();
        }
        // An id that was taken is another's.
        let run_ids = asked.ask.starts().iter().map(|start| &start.run_id);
        for run_id in run_ids.filter(|run_id| !scene.is_of_another(run_id)) {
            if scene.model.by_id(run_id).is_some() {
                return Err(format!("run {run_id} was refused by {} and is there", refusal.code));
            }
            self.refused.push(run_id.clone());
        }
        Ok(())
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunCreated(created) = event else { return scene.no_opinion() };
        let is_refused = self.refused.iter().any(|run_id| **run_id == *created.run_id);
        if is_refused && !scene.is_of_another(&created.run_id) {
            return Err(format!("run {} was refused and comes all the same", created.run_id));
        }
        Ok(())
    }
}
