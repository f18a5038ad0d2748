//! What can be asked of a shard.

use std::sync::Arc;

use bytes::Bytes;

use crate::consistency::Consistency;
use crate::definition::{Definition, Priority};
use crate::event::{LeaseEnd, TaskError};
use crate::ids::{DefinitionHash, Grant, InstanceIndex, RunNumber};
use crate::payload::Payload;

/// One thing that is asked.
#[derive(Debug)]
pub enum Command {
    DeployDefinition(DeployDefinition),
    StartRun(Box<StartRun>),
    /// All of them, or none.
    StartRuns(Vec<StartRun>),
    ControlRun(ControlRun),
    ControlTask(ControlTask),
    Report(Report),
    EndLease(EndLease),
    Fire(Wake),
    TimeOut(TimeOut),
    ForgetRuns(ForgetRuns),
}

/// Make a definition known under its name.
#[derive(Debug)]
pub struct DeployDefinition {
    pub namespace: Arc<str>,
    pub definition: Arc<Definition>,
}

/// Which definition a run is to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Hash(DefinitionHash),
    /// By name; without a version the one that was deployed last.
    Name {
        name: Arc<str>,
        version: Option<Arc<str>>,
    },
}

/// Begin a run.
#[derive(Clone, Debug)]
pub struct StartRun {
    pub namespace: Arc<str>,
    pub run_id: Arc<str>,
    /// Whether the caller chose the run id.
    pub chosen: bool,
    pub key: Option<Arc<str>>,
    pub wanted: Wanted,
    pub input: Payload,
    pub priority: Option<Priority>,
    pub deadline_ms: Option<u64>,
    pub consistency: Option<Consistency>,
    pub metadata: Option<Bytes>,
    pub created_by: Option<Arc<str>>,
}

impl StartRun {
    /// A start that says no more than it must: the id stands for a generated one, the input is an
    /// empty object, and the definition says the rest.
    pub fn new(
        namespace: impl Into<Arc<str>>,
        run_id: impl Into<Arc<str>>,
        wanted: Wanted,
    ) -> Self {
        Self {
            namespace: namespace.into(),
            run_id: run_id.into(),
            chosen: false,
            key: None,
            wanted,
            input: Payload::new(Bytes::from_static(b"{}")),
            priority: None,
            deadline_ms: None,
            consistency: None,
            metadata: None,
            created_by: None,
        }
    }
}

/// What a caller may do to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunVerb {
    Pause,
    Resume,
    Cancel {
        reason: String,
    },
    /// Everything of it that has failed is done anew.
    Recover,
}

/// Do something to a run.
#[derive(Debug)]
pub struct ControlRun {
    pub namespace: Arc<str>,
    pub run_id: Arc<str>,
    pub verb: RunVerb,
}

/// What a caller may do to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskVerb {
    Cancel,
    Recover,
}

/// Do something to a task of a run.
#[derive(Debug)]
pub struct ControlTask {
    pub namespace: Arc<str>,
    pub run_id: Arc<str>,
    pub task_id: String,
    pub verb: TaskVerb,
}

/// A hand-out, as those who hold it name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseRef {
    pub run: RunNumber,
    pub instance: InstanceIndex,
    pub grant: Grant,
}

/// What became of an attempt.
#[derive(Debug)]
pub enum Outcome {
    Completed {
        output: Payload,
    },
    Failed {
        error: Box<TaskError>,
    },
    /// It stopped since it was asked to.
    Cancelled,
}

/// A worker's report of an attempt.
#[derive(Debug)]
pub struct Report {
    pub lease: LeaseRef,
    pub outcome: Outcome,
    /// What its last heartbeat told.
    pub details: Option<Bytes>,
}

/// A lease is over without a report.
#[derive(Clone, Debug)]
pub struct EndLease {
    pub lease: LeaseRef,
    pub cause: LeaseEnd,
    /// Whether it counts towards `max_deliveries`.
    pub counted: bool,
    pub details: Option<Bytes>,
    /// How its worker died, where that is known.
    pub message: Option<String>,
}

/// An attempt has lasted too long, or nothing was heard of it for too long.
#[derive(Debug)]
pub struct TimeOut {
    pub lease: LeaseRef,
    /// Whether it is its heartbeat that is missing.
    pub is_silent: bool,
    /// What its last heartbeat told.
    pub details: Option<Bytes>,
}

/// Forget runs that have ended.
#[derive(Debug)]
pub struct ForgetRuns {
    pub runs: Vec<EndedRun>,
}

/// A run that has left memory, by all its names.
#[derive(Clone, Debug)]
pub struct EndedRun {
    pub run: RunNumber,
    pub namespace: Arc<str>,
    pub run_id: Arc<str>,
    pub key: Option<Arc<str>>,
}

/// Something was due at a time that has come.
///
/// A lease stands in it by its fields: nested, it would make each wake a third longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// The run's deadline.
    RunDeadline { run: RunNumber },
    /// A timer, or the end of a wait between two attempts.
    Instance { run: RunNumber, instance: InstanceIndex },
    /// One attempt has lasted too long.
    AttemptTimeout { run: RunNumber, instance: InstanceIndex, grant: Grant },
    /// Nothing was heard of the attempt for too long.
    HeartbeatTimeout { run: RunNumber, instance: InstanceIndex, grant: Grant },
    /// The task has waited too long for a worker.
    QueueTimeout { run: RunNumber, instance: InstanceIndex },
    /// All attempts together have lasted too long.
    TotalTimeout { run: RunNumber, instance: InstanceIndex },
}

const _: () = assert!(size_of::<Wake>() <= 24, "two stand for each run that waits");

impl Wake {
    pub fn attempt_timeout(LeaseRef { run, instance, grant }: LeaseRef) -> Self {
        Self::AttemptTimeout { run, instance, grant }
    }

    pub fn heartbeat_timeout(LeaseRef { run, instance, grant }: LeaseRef) -> Self {
        Self::HeartbeatTimeout { run, instance, grant }
    }

    /// The lease that is over with it, and whether it is so because nothing was heard.
    pub fn lease(self) -> Option<(LeaseRef, bool)> {
        match self {
            Self::AttemptTimeout { run, instance, grant } => {
                Some((LeaseRef { run, instance, grant }, false))
            }
            Self::HeartbeatTimeout { run, instance, grant } => {
                Some((LeaseRef { run, instance, grant }, true))
            }
            Self::RunDeadline { .. }
            | Self::Instance { .. }
            | Self::QueueTimeout { .. }
            | Self::TotalTimeout { .. } => None,
        }
    }
}
