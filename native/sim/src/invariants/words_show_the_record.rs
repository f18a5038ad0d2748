//! P28: the status words of live runs and their tasks, which are read without asking the ring, are
//! those of the record. Items of maps have none.

use pyflow_core::lifecycle::{RunState, TaskState};

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

/// Words are compared in each so many turns.
const TURNS: u64 = 4;

#[derive(Debug)]
pub(crate) struct WordsShowTheRecord;

impl Invariant for WordsShowTheRecord {
    fn name(&self) -> &'static str {
        "P28 words show the record"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        let Some(engine) = scene.engine.as_ref().filter(|_| scene.takes_writes()) else {
            return scene.no_opinion();
        };
        if !scene.model.position.is_multiple_of(TURNS) || scene.is_quiet {
            return scene.no_opinion();
        }
        for run in scene.model.live().filter(|run| !run.is_blurred) {
            let told = engine.run_state(&run.id).map(RunState::name);
            if told != Some(run.stage.word()) {
                return Err(format!("run {} is {}, its word {told:?}", run.id, run.stage.word()));
            }
            for (instance, entry) in run.entries.iter().take(run.flow.tasks.len()).enumerate() {
                let name = run.name(instance);
                let told = engine.task_state(&run.id, &name).map(TaskState::name);
                if told != Some(entry.word()) {
                    let (id, word) = (&run.id, entry.word());
                    return Err(format!("{name} of {id} is {word}, its word {told:?}"));
                }
            }
        }
        Ok(())
    }
}
