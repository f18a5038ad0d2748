//! Why a command may be refused: a value that the caller can act on, each with its stable code.

use std::sync::Arc;

use crate::lifecycle::{RunState, TaskState};

/// A refusal. Nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("nothing is deployed as {}{hint}", crate::names::shown(wanted))]
    DefinitionUnknown { wanted: String, hint: String },
    #[error("{name} {version} is deployed with other content: {difference}; give it a new version")]
    DefinitionConflict { name: Arc<str>, version: Arc<str>, difference: String },
    #[error("no run has the id {run_id}")]
    RunUnknown { run_id: Arc<str> },
    #[error("a run with the id {run_id} exists already")]
    RunExists { run_id: Arc<str> },
    #[error("the key {key} was used for run {run_id} with other content; use another key")]
    KeyReused { key: Arc<str>, run_id: Arc<str> },
    #[error("run {run_id} is {}; {wanted}", state.name())]
    RunStateRefused { run_id: Arc<str>, state: RunState, wanted: &'static str },
    #[error("run {run_id} has no task {task_id}{hint}")]
    TaskUnknown { run_id: Arc<str>, task_id: String, hint: String },
    #[error("task {task_id} is {}; {wanted}", state.name())]
    TaskStateRefused { run_id: Arc<str>, task_id: String, state: TaskState, wanted: &'static str },
    #[error("{what} is not right: {message}")]
    InputInvalid { what: &'static str, message: String },
    #[error("{what} is {size} bytes; at most {size_max} are allowed")]
    PayloadTooLarge { what: &'static str, size: usize, size_max: usize },
    #[error("{what}: {count}; at most {count_max} are allowed")]
    LimitExceeded { what: &'static str, count: u64, count_max: u64 },
    /// The report is of an attempt that is no longer the task's latest.
    #[error("the attempt is over; its report came late")]
    StaleToken,
    /// The report was made before; its outcome is recorded.
    #[error("the attempt was reported before")]
    AlreadyReported,
    /// What was due has been overtaken by events.
    #[error("nothing is due any more")]
    NotDue,
}

impl Rejection {
    /// The stable code, with a page in `docs/errors/`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DefinitionUnknown { .. } => "PF1002",
            Self::DefinitionConflict { .. } => "PF1003",
            Self::RunUnknown { .. } => "PF1101",
            Self::RunExists { .. } => "PF1102",
            Self::KeyReused { .. } => "PF1103",
            Self::RunStateRefused { .. } => "PF1104",
            Self::TaskUnknown { .. } => "PF1105",
            Self::TaskStateRefused { .. } => "PF1106",
            Self::InputInvalid { .. } => "PF1107",
            Self::PayloadTooLarge { .. } => "PF1108",
            Self::LimitExceeded { .. } => "PF1109",
            Self::StaleToken | Self::AlreadyReported | Self::NotDue => "PF1111",
        }
    }
}
