//! P17: only what has failed or was stopped is done anew.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::End;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct RecoversAreOfFailures;

impl Invariant for RecoversAreOfFailures {
    fn name(&self) -> &'static str {
        "P17 recovers are of failures"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskRecovered(_) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        match found.entry.end() {
            Some(End::Failed | End::Quarantined | End::Cancelled) => Ok(()),
            _ if found.run.is_blurred => Ok(()),
            other => Err(format!("{} is recovered, and was {other:?}", found.name())),
        }
    }
}
