//! What `apply` moved: told to the status board and to the queues, never stored.

use crate::ids::{InstanceIndex, RunNumber};
use crate::lifecycle::{RunState, TaskState};

/// One move of a run or of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    Run {
        run: RunNumber,
        to: RunState,
    },
    Task {
        run: RunNumber,
        instance: InstanceIndex,
        to: TaskState,
    },
    /// The run has `count` more instances than before.
    Grown {
        run: RunNumber,
        count: u32,
    },
}
