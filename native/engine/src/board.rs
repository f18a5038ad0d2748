//! Status words that any thread reads without a lock, moved only along the transition tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::RwLock;
use pyflow_core::definition::Definition;
use pyflow_core::ids::InstanceIndex;
use pyflow_core::lifecycle::{RunState, TaskState};

/// The words of one run: its own and one for each of its instances.
#[derive(Debug)]
pub struct RunWords {
    definition: Arc<Definition>,
    run: AtomicU8,
    tasks: Box<[AtomicU8]>,
    /// Items of maps, in the order in which the maps grew.
    grown: RwLock<Vec<Box<[AtomicU8]>>>,
}

fn words(count: usize) -> Box<[AtomicU8]> {
    (0..count).map(|_| AtomicU8::new(TaskState::Pending as u8)).collect()
}

impl RunWords {
    pub(crate) fn new(definition: Arc<Definition>) -> Self {
        let tasks = words(definition.task_count());
        let run = AtomicU8::new(RunState::Created as u8);
        Self { definition, run, tasks, grown: RwLock::default() }
    }

    /// The run's state.
    pub fn run_state(&self) -> RunState {
        RunState::from_code(self.run.load(Ordering::Acquire)).expect("only states are written")
    }

    /// The state of the task with this id, if the run has it; items of maps are asked of the shard.
    pub fn task_state(&self, task_id: &str) -> Option<TaskState> {
        let task = self.definition.find(task_id)?;
        TaskState::from_code(self.tasks[task.index()].load(Ordering::Acquire))
    }

    pub(crate) fn show_run(&self, to: RunState) {
        self.run.store(to as u8, Ordering::Release);
    }

    pub(crate) fn show_task(&self, instance: InstanceIndex, to: TaskState) {
        if let Some(word) = self.tasks.get(instance.index()) {
            word.store(to as u8, Ordering::Release);
            return;
        }
        let mut index = instance.index() - self.tasks.len();
        for block in &*self.grown.read() {
            match block.get(index) {
                Some(word) => return word.store(to as u8, Ordering::Release),
                None => index -= block.len(),
            }
        }
    }

    pub(crate) fn grow(&self, count: usize) {
        self.grown.write().push(words(count));
    }
}

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
