//! P39: no more runs work at once than are allowed, and none waits while there is room.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::Stage;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct RunsAreAdmitted;

impl Invariant for RunsAreAdmitted {
    fn name(&self) -> &'static str {
        "P39 runs are admitted"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunStarted(started) = event else { return scene.no_opinion() };
        let (count, most) = (working(scene), scene.swarm.max_concurrent_runs);
        if count >= most {
            return Err(format!("run {} is started beside {count} of {most}", started.run));
        }
        let first = scene.model.live().find(|run| run.stage == Stage::Created);
        match first {
            Some(run) if run.number != started.run.0 && !run.was_paused() => {
                Err(format!("run {} is started before run {}", started.run, run.number))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        let waits = scene.model.live().find(|run| run.stage == Stage::Created);
        let has_room = working(scene) < scene.swarm.max_concurrent_runs;
        match waits.filter(|_| has_room && scene.takes_writes()) {
            Some(run) => Err(format!("run {} waits, and there is room for it", run.id)),
            None => Ok(()),
        }
    }
}

fn working(scene: &Scene) -> usize {
    scene.model.live().filter(|run| run.started_at.is_some()).count()
}
