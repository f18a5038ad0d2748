//! P12, P21: a worker is told which run, task, attempt and token it works for, and the run follows
//! the definition that it was started with.

use pyflow_core::effect::Granted;

use super::invariant::{Invariant, Judged};
use crate::world::{Held, Scene};

#[derive(Debug)]
pub(crate) struct DefinitionsArePinned;

impl Invariant for DefinitionsArePinned {
    fn name(&self) -> &'static str {
        "P21 definitions are pinned"
    }

    fn granted(&mut self, scene: &Scene, granted: &Granted, held: &Held) -> Judged {
        let Some(run) = scene.model.by_id(&held.run_id) else {
            return Err(format!("run {} is not in the log", held.run_id));
        };
        if granted.definition.hash != run.definition {
            return Err(format!("run {} goes by another definition", run.id));
        }
        let id = granted.definition.id(granted.task);
        let wanted = run.flow.tasks.get(held.task).map(|task| task.id.as_str());
        if wanted != Some(id) {
            return Err(format!("task {} is called {id}, not {wanted:?}", held.task));
        }
        Ok(())
    }
}
