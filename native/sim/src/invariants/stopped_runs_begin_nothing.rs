//! P19: nothing of a run begins before it is started, while it is paused, or after its stop was
//! recorded.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::Stage;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct StoppedRunsBeginNothing;

impl Invariant for StoppedRunsBeginNothing {
    fn name(&self) -> &'static str {
        "P19 stopped runs begin nothing"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(run) = event.run().and_then(|run| scene.model.run(run.0)) else {
            return scene.no_opinion();
        };
        let wanted = match event {
            Event::RunStarted(_) => Stage::Created,
            Event::TaskLeased(_)
            | Event::TimerStarted(_)
            | Event::MapExpanded(_)
            | Event::DecisionTaken(_)
            | Event::GatewayPassed(_)
            | Event::TaskSkipped(_)
            | Event::RunCompleted(_) => Stage::Running,
            _ => return scene.no_opinion(),
        };
        if run.stage == wanted && run.stop.is_none() {
            return Ok(());
        }
        let kind = event.kind();
        Err(format!("{kind} in run {}, which is {}", run.id, run.stage.word()))
    }
}
