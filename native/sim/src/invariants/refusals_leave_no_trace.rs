//! P40: what was refused has left nothing behind.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, Scene};

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
        let Ask::Start { run_id, .. } = &asked.ask else { return scene.no_opinion() };
        let Some(Err(refusal)) = &asked.answer else { return scene.no_opinion() };
        // A store that has failed may have kept it; an id that was taken is another's.
        if !matches!(refusal.code, "PF2004" | "PF1103" | "PF1002") || is_of_another(scene, run_id) {
            return scene.no_opinion();
        }
        if scene.model.by_id(run_id).is_some() {
            return Err(format!("run {run_id} was refused by {} and is there", refusal.code));
        }
        self.refused.push(run_id.clone());
        Ok(())
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunCreated(created) = event else { return scene.no_opinion() };
        let is_refused = self.refused.iter().any(|run_id| **run_id == *created.run_id);
        if is_refused && !is_of_another(scene, &created.run_id) {
            return Err(format!("run {} was refused and comes all the same", created.run_id));
        }
        Ok(())
    }
}

/// Whether several have asked for a run of this id.
fn is_of_another(scene: &Scene, run_id: &str) -> bool {
    let asks = scene.ledger.asked.values().filter(|asked| match &asked.ask {
        Ask::Start { run_id: asked_id, .. } => asked_id == run_id,
        Ask::StartMany { run_ids } => run_ids.iter().any(|asked_id| asked_id == run_id),
        _ => false,
    });
    asks.count() > 1
}
