//! Status words that any thread reads without a lock, moved only along the transition tables.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use pyflow_core::definition::Definition;
use pyflow_core::ids::InstanceIndex;
use pyflow_core::lifecycle::{RunState, TaskState};

use crate::words::Words;

/// The words of one run: its own and one for each of its instances.
#[derive(Debug)]
pub struct RunWords {
    definition: Arc<Definition>,
    words: Words,
    /// What most runs never have, so that they take no memory for it.
    grown: RwLock<Option<Box<Items>>>,
}

/// Items of maps, in the order in which the maps grew.
#[derive(Debug, Default)]
struct Items {
    blocks: Vec<Words>,
}

impl RunWords {
    pub(crate) fn new(definition: Arc<Definition>) -> Self {
        let words = Words::new(definition.task_count(), FIRST);
        Self { definition, words, grown: RwLock::default() }
    }

    /// The run's state.
    pub fn run_state(&self) -> RunState {
        RunState::from_code(self.words.run()).expect("only states are written")
    }

    /// The state of the task with this id, if the run has it; items of maps are asked of the shard.
    pub fn task_state(&self, task_id: &str) -> Option<TaskState> {
        let task = self.definition.find(task_id)?;
        TaskState::from_code(self.words.task(task.index())?)
    }

    pub(crate) fn show_run(&self, to: RunState) {
        self.words.move_run(to as u8, |from| from != to as u8);
    }

    pub(crate) fn show_task(&self, instance: InstanceIndex, to: TaskState) {
        let allowed = |from| from != to as u8;
        let mut index = instance.index();
        if index < self.words.len() {
            self.words.move_task(index, to as u8, allowed);
            return;
        }
        index -= self.words.len();
        for block in self.grown.read().iter().flat_map(|items| &items.blocks) {
            if index < block.len() {
                block.move_task(index, to as u8, allowed);
                return;
            }
            index -= block.len();
        }
    }

    /// Grows to so many items, where there are fewer.
    pub(crate) fn grow_to(&self, count: usize) {
        let grown = self.grown.read();
        let known = grown.iter().flat_map(|items| &items.blocks).map(Words::len).sum();
        drop(grown);
        if count > known {
            self.grow(count - known);
        }
    }

    pub(crate) fn grow(&self, count: usize) {
        self.grown.write().get_or_insert_default().blocks.push(Words::new(count, FIRST));
    }
}

/// Both a run and its tasks begin with this word.
const FIRST: u8 = RunState::Created as u8;
const _: () = assert!(FIRST == TaskState::Pending as u8);

/// The words of all live runs, by run id.
#[derive(Debug, Default)]
pub struct Board {
    runs: RwLock<HashMap<Arc<str>, Arc<RunWords>>>,
}

impl Board {
    /// The words of a live run. Whoever holds them goes on reading after the run has left.
    pub fn find(&self, run_id: &str) -> Option<Arc<RunWords>> {
        self.runs.read().get(run_id).cloned()
    }

    pub(crate) fn put(&self, run_id: Arc<str>, words: Arc<RunWords>) {
        self.runs.write().insert(run_id, words);
    }

    pub(crate) fn remove(&self, run_id: &str) {
        self.runs.write().remove(run_id);
    }
}
