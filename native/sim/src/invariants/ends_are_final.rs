//! P17: what has ended stays as it is, until it is recovered by name.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::{End, Stage};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct EndsAreFinal;

impl Invariant for EndsAreFinal {
    fn name(&self) -> &'static str {
        "P17 ends are final"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(run) = event.run().and_then(|run| scene.model.run(run.0)) else {
            return scene.no_opinion();
        };
        let reopens = matches!(event, Event::RunReopened(_));
        if run.stage.has_ended() != reopens || (reopens && run.stage != Stage::Failed) {
            let (id, word) = (&run.id, run.stage.word());
            return Err(format!("{} of run {id}, which is {word}", event.kind()));
        }
        let Some(found) = scene.subject(event) else { return Ok(()) };
        let names_a_failure = matches!(event, Event::TaskRecovered(_) | Event::RunFailed(_));
        let Some(end) = found.entry.end().filter(|_| !names_a_failure) else {
            return Ok(());
        };
        if run.is_blurred && !matches!(end, End::Completed(_)) {
            return Ok(());
        }
        let (name, kind) = (found.name(), event.kind());
        Err(format!("{kind} of {name}, which has ended: {end:?}"))
    }
}
