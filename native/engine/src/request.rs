//! What can be asked of the ring. Whatever waits for an answer carries a ticket of its caller's.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{ControlRun, ControlTask, StartRun};
use pyflow_core::definition::Definition;
use pyflow_core::event::{SaidLine, TaskError};
use pyflow_core::ids::DefinitionHash;
use pyflow_core::payload::Payload;
use pyflow_core::schedule::Pool;

use crate::token::Token;

/// One request.
#[derive(Debug)]
pub enum Request {
    Deploy {
        ticket: u64,
        definition: Arc<Definition>,
        stored: Bytes,
    },
    Start {
        ticket: u64,
        start: Box<StartRun>,
    },
    StartMany {
        ticket: u64,
        starts: Vec<StartRun>,
    },
    ControlRun {
        ticket: u64,
        control: ControlRun,
    },
    ControlTask {
        ticket: u64,
        control: ControlTask,
    },
    /// Recover every failed task of a run.
    RecoverRun {
        ticket: u64,
        run_id: Arc<str>,
    },
    Look {
        ticket: u64,
        look: Look,
        /// The write that it must see.
        after: Option<Token>,
    },
    /// Nobody waits for this ticket any more.
    Forget {
        ticket: u64,
    },
    OpenSession {
        session: u32,
        slots: [u32; 3],
    },
    SetTypes {
        session: u32,
        types: Vec<(Arc<str>, Pool)>,
    },
    DrainSession {
        session: u32,
    },
    Report {
        session: u32,
        reports: Vec<AttemptReport>,
    },
}

/// What a worker tells of an attempt, by the handle that it was granted under.
#[derive(Clone, Debug)]
pub struct AttemptReport {
    pub handle: u64,
    pub kind: ReportKind,
}

#[derive(Clone, Debug)]
pub enum ReportKind {
    Completed(Payload),
    Failed(Box<TaskError>),
    /// Never begun, or interrupted by the worker's own polite end.
    Returned,
    /// Stopped as it was asked to.
    Cancelled,
    /// The worker's process died under it, as this text says.
    WorkerDied(String),
    Heartbeat(Bytes),
    /// Lines for the run's log, the oldest first.
    Said(Vec<SaidLine>),
    /// How far it is, as JSON.
    Progress(Bytes),
}

/// What is answered from what is safe, after the turn in which it was asked; a position, and it only,
/// before that.
#[derive(Debug)]
pub enum Look {
    /// Wait for a run's end.
    Result {
        run_id: Arc<str>,
    },
    /// Wait for events after a place, of one run or of all.
    Watch {
        run_id: Option<Arc<str>>,
        after: u64,
        limit: usize,
        /// Whether one who is too far behind is cut off.
        is_bounded: bool,
    },
    Query(Query),
    /// Forget the runs that ended before a time, and wait until what they leave is freed.
    Prune {
        before_ms: u64,
    },
}

/// A look at what is now. `Position` is one that lies before all that is asked for later.
#[derive(Debug)]
pub enum Query {
    Status { run_id: Arc<str> },
    Tasks { run_id: Arc<str>, task_id: Option<String>, state: Option<String>, limit: usize },
    TaskResult { run_id: Arc<str>, task_id: String },
    Explain { run_id: Arc<str>, task_id: Option<String> },
    History { run_id: Arc<str>, after: u64, limit: usize },
    Logs { run_id: Arc<str>, task_id: Option<String>, after: u64, limit: usize },
    ListRuns(Box<ListRuns>),
    FindRun { text: String },
    Definitions,
    Definition { name: String, version: Option<String> },
    DefinitionOfHash { hash: DefinitionHash },
    Position,
    Metrics,
    Doctor,
    Backup { path: String },
}

/// Which runs to list.
#[derive(Debug, Default)]
pub struct ListRuns {
    pub status: Option<String>,
    pub definition: Option<String>,
    pub created_by: Option<String>,
    pub metadata: Vec<(String, String)>,
    pub limit: usize,
    pub cursor: Option<String>,
}

impl Request {
    /// Whether a full inbox may refuse it: only what would add work. What workers tell is always taken: their slots
    /// bound it.
    pub(crate) fn may_be_refused(&self) -> bool {
        matches!(self, Self::Start { .. } | Self::StartMany { .. } | Self::Deploy { .. })
    }

    /// Bytes of what it brings that may be large.
    pub(crate) fn size(&self) -> u64 {
        let size = match self {
            Self::Deploy { stored, .. } => stored.len(),
            Self::Start { start, .. } => start.input.size(),
            Self::StartMany { starts, .. } => starts.iter().map(|start| start.input.size()).sum(),
            Self::ControlRun { .. }
            | Self::ControlTask { .. }
            | Self::RecoverRun { .. }
            | Self::Look { .. }
            | Self::Forget { .. }
            | Self::OpenSession { .. }
            | Self::SetTypes { .. }
            | Self::DrainSession { .. }
            | Self::Report { .. } => 0,
        };
        size as u64
    }

    /// The ticket that waits for its answer.
    pub(crate) fn ticket(&self) -> Option<u64> {
        match self {
            Self::Deploy { ticket, .. }
            | Self::Start { ticket, .. }
            | Self::StartMany { ticket, .. }
            | Self::ControlRun { ticket, .. }
            | Self::ControlTask { ticket, .. }
            | Self::RecoverRun { ticket, .. }
            | Self::Look { ticket, .. } => Some(*ticket),
            Self::Forget { .. }
            | Self::OpenSession { .. }
            | Self::SetTypes { .. }
            | Self::DrainSession { .. }
            | Self::Report { .. } => None,
        }
    }
}
