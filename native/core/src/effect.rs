//! What may be owed to the world: carried out only once the turn that owes it is safe.

use std::sync::Arc;

use bytes::Bytes;

use crate::decide::RenderedArgs;
use crate::definition::Definition;
use crate::ids::{RunNumber, SessionId, TaskIndex};
use crate::rejection::Rejection;
use crate::state::Moved;

/// What a caller waits for, by the number that the caller chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One duty.
#[derive(Debug)]
pub enum Effect {
    /// Answer a caller.
    Reply { ticket: Ticket, answer: Result<Answer, Rejection> },
    /// Hand an attempt to a worker.
    Grant(Box<Granted>),
    /// Tell a worker to stop an attempt.
    StopAttempt { session: SessionId, handle: u64, reason: StopReason },
    /// Show a move to those who look.
    Show(Moved),
    /// Tell those who wait for its end that a run has ended.
    RunEnded { run: RunNumber },
}

/// What a command that was accepted is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// The run that was started, or the one that the same key had started before.
    Run {
        run_id: Arc<str>,
        is_new: bool,
    },
    /// The runs that were started together.
    Runs(Vec<Arc<str>>),
}

/// Why a worker is to stop an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    Cancelled,
    TimedOut,
    /// Another attempt has taken its place.
    Lost,
}

impl StopReason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timeout",
            Self::Lost => "lost",
        }
    }
}

/// An attempt with all that its worker needs.
#[derive(Debug)]
pub struct Granted {
    pub session: SessionId,
    /// How this hand-out is named between the shard and its worker.
    pub handle: u64,
    pub run_id: Arc<str>,
    pub definition: Arc<Definition>,
    pub task: TaskIndex,
    /// The item's index, for an item of a map.
    pub item: Option<u32>,
    pub attempt: u32,
    pub token: u64,
    pub args: RenderedArgs,
    pub deadline_ms: Option<u64>,
    /// What an earlier attempt's last heartbeat told.
    pub details: Option<Bytes>,
    pub metadata: Option<Bytes>,
}
