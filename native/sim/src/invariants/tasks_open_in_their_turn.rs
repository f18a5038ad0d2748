//! P18: a task begins only when those before it allow it, by its join, and only if its own condition
//! holds.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::Phase;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct TasksOpenInTheirTurn;

impl Invariant for TasksOpenInTheirTurn {
    fn name(&self) -> &'static str {
        "P18 tasks open in their turn"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let begins = match event {
            Event::TaskLeased(_)
            | Event::DecisionTaken(_)
            | Event::GatewayPassed(_)
            | Event::TimerStarted(_)
            | Event::MapExpanded(_)
            | Event::TaskSkipped(_) => true,
            Event::TaskCompleted(_) => !found.is_work(),
            _ => false,
        };
        if !begins || found.run.is_blurred {
            return scene.no_opinion();
        }
        let (name, kind) = (found.name(), event.kind());
        if found.entry.phase != Phase::Ready {
            return Err(format!("{kind} of {name}, which is {}", found.entry.word()));
        }
        let skips = matches!(event, Event::TaskSkipped(_));
        let holds = found.item.is_some() || found.run.holds(found.task().condition);
        if skips == holds {
            return Err(format!("{kind} of {name}, whose condition is {holds}"));
        }
        Ok(())
    }
}
