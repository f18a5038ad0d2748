//! A task's instance: 16 bytes while nothing special is known of it.

use bytes::Bytes;

use crate::event::TaskError;
use crate::ids::{Grant, SessionId};
use crate::lifecycle::TaskState;
use crate::time::Millis;

/// An instance, with the data that its state has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// Waits for so many more dependencies; whether one of them has succeeded.
    Pending { unmet: u32, succeeded: bool },
    /// Ready for its first attempt.
    Ready { since: Millis },
    /// Has a history: the index of its record.
    Active(u32),
    /// Has ended; `output` indexes the run's outputs, `NO_OUTPUT` where there is none.
    Settled { ending: Ending, readers: u32, output: u32, grant: Grant },
}

pub(super) const NO_OUTPUT: u32 = u32::MAX;

const _: () = assert!(size_of::<Instance>() <= 16, "a run has one for each of its tasks");

/// How an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    Completed = 0,
    Failed = 1,
    /// Failed, but its error handler's output stands in.
    Mended = 2,
    Quarantined = 3,
    Cancelled = 4,
    /// By its own condition, by a decision, or since all before it was skipped.
    Skipped = 5,
    /// Could not open, since something before it failed.
    Unreached = 6,
}

/// What an ended dependency says to a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Success,
    Failure,
    Skip,
}

impl Ending {
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::Failed,
        Self::Mended,
        Self::Quarantined,
        Self::Cancelled,
        Self::Skipped,
        Self::Unreached,
    ];

    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| *ending as u8 == code)
    }

    pub fn state(self) -> TaskState {
        match self {
            Self::Completed => TaskState::Completed,
            Self::Failed | Self::Mended => TaskState::Failed,
            Self::Quarantined => TaskState::Quarantined,
            Self::Cancelled => TaskState::Cancelled,
            Self::Skipped | Self::Unreached => TaskState::Skipped,
        }
    }

    pub fn verdict(self) -> Verdict {
        match self {
            Self::Completed | Self::Mended => Verdict::Success,
            Self::Failed | Self::Quarantined | Self::Cancelled | Self::Unreached => {
                Verdict::Failure
            }
            Self::Skipped => Verdict::Skip,
        }
    }

    /// Whether it may be recovered, so that what it reads must be kept.
    pub fn may_be_recovered(self) -> bool {
        match self {
            Self::Failed | Self::Quarantined | Self::Cancelled | Self::Unreached => true,
            Self::Completed | Self::Mended | Self::Skipped => false,
        }
    }
}

/// What an instance with a history is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Ready,
    Leased {
        session: SessionId,
        since: Millis,
        stop_asked: bool,
    },
    Backoff {
        until: Millis,
    },
    /// A timer runs until then.
    Sleeping {
        until: Millis,
    },
    /// The items of a map are being worked on.
    Mapping,
}

/// The record of an instance that was handed out or waits for something other than dependencies.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    pub phase: Phase,
    /// When it became ready for the first time: what `now()` gives in its parameters.
    pub first_ready: Millis,
    /// When it became ready for the present attempt.
    pub ready: Millis,
    /// The number of the present or next attempt, from 1.
    pub attempt: u32,
    /// The attempt from which retries are counted; above 1 after a recover.
    pub first_attempt: u32,
    pub grant: Grant,
    /// How often it may have brought a worker down.
    pub deliveries: u32,
    /// How often it was running when its process died, since it last proved itself.
    pub suspicions: u32,
    /// What its last heartbeat told, in a box of its own, since few say anything.
    pub details: Option<Box<Bytes>>,
    /// Why the last attempt ended.
    pub error: Option<Box<TaskError>>,
}

/// So many deaths of its process may an attempt share with others: whoever switches the machine off
/// twice would otherwise have all that was under way run one after the other.
const SHARED_DEATHS_FORGIVEN: u32 = 2;

const _: () = assert!(size_of::<Active>() <= 80, "a run that waits has one");

impl Active {
    pub(super) fn new(phase: Phase, ready: Millis) -> Self {
        Self {
            phase,
            first_ready: ready,
            ready,
            attempt: 1,
            first_attempt: 1,
            grant: Grant(0),
            deliveries: 0,
            suspicions: 0,
            details: None,
            error: None,
        }
    }

    /// A record whose numbers go on from what an instance had before.
    pub(super) fn after(past: Past, phase: Phase, ready: Millis) -> Self {
        let attempt = past.attempts + 1;
        Self { attempt, first_attempt: attempt, grant: past.grant, ..Self::new(phase, ready) }
    }

    /// Whether it may be what brought its process down so often that it runs alone now.
    pub fn is_suspect(&self) -> bool {
        self.times_suspected() > 0
    }

    /// How often it has died with its process beyond what is forgiven. Nothing is forgiven what a
    /// death was charged to already.
    pub fn times_suspected(&self) -> u32 {
        let beyond = self.suspicions.saturating_sub(SHARED_DEATHS_FORGIVEN);
        if self.deliveries > 0 { beyond.max(self.suspicions.min(1)) } else { beyond }
    }

    /// The number of the attempt that was begun last, at least 1.
    pub(super) fn last_begun(&self) -> u32 {
        match self.phase {
            Phase::Leased { .. } | Phase::Sleeping { .. } | Phase::Mapping => self.attempt,
            Phase::Ready | Phase::Backoff { .. } => self.attempt.saturating_sub(1).max(1),
        }
    }

    pub fn state(&self) -> TaskState {
        match self.phase {
            Phase::Ready => TaskState::Ready,
            Phase::Leased { .. } => TaskState::Leased,
            Phase::Backoff { .. } => TaskState::Backoff,
            Phase::Sleeping { .. } | Phase::Mapping => TaskState::Waiting,
        }
    }
}

/// What an instance that waits anew had before: its numbers go on growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) grant: Grant,
    pub(super) attempts: u32,
}
