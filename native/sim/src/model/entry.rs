//! A task of a run, or an item of a map.

use std::rc::Rc;

use bytes::Bytes;
use pyflow_core::event::TaskError;

/// How long a suspect has a worker for itself; doubled with each further suspicion.
const ALONE_MS: u64 = 5_000;

/// What is known of one instance. Times are in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) phase: Phase,
    /// The number of the present or next attempt.
    pub(crate) attempt: u32,
    /// The highest attempt that was handed out.
    pub(crate) begun: u32,
    /// The attempt from which retries are counted: above 1 after a recover.
    pub(crate) first_attempt: u32,
    /// The token of the latest hand-out.
    pub(crate) token: u64,
    /// How often a worker has died under it, for certain.
    pub(crate) deliveries: u32,
    /// How often it was at work when the whole process died.
    pub(crate) suspicions: u32,
    /// When it became ready for the present attempt, and for the first one.
    pub(crate) ready_at: u64,
    pub(crate) first_ready_at: u64,
    /// Hand-outs of the present attempt.
    pub(crate) handed_out: u32,
    /// What its last heartbeat told, as far as that is on record.
    pub(crate) details: Option<Bytes>,
    /// What its latest attempt, or it as a whole, has failed with.
    pub(crate) error: Option<Rc<TaskError>>,
    /// Its place among the failures of its run, where it has failed for good.
    pub(crate) failed_as: u32,
    /// Whether it was cancelled with its whole run.
    pub(crate) is_stopped: bool,
    /// Whether it was taken back to be done anew: the next event tells the number of its attempt.
    pub(crate) is_renewed: bool,
}

/// What an instance is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    /// Others come first.
    Waiting,
    Ready,
    Leased(Lease),
    Backoff {
        until: u64,
    },
    Sleeping {
        until: u64,
    },
    /// Its items are being worked on.
    Mapped,
    Ended(End),
}

/// A worker's hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) session: u32,
    pub(crate) token: u64,
    pub(crate) at: u64,
    pub(crate) stop_asked: bool,
}

/// How an instance has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// With its output, none for `null`.
    Completed(Option<Bytes>),
    Failed,
    /// Failed, but its handler's output stands in.
    Mended(Option<Bytes>),
    Quarantined,
    Cancelled,
    Skipped,
    /// It could not open, since something before it failed.
    Unreached,
}

impl Entry {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Waiting,
            attempt: 1,
            begun: 0,
            first_attempt: 1,
            token: 0,
            deliveries: 0,
            suspicions: 0,
            ready_at: 0,
            first_ready_at: 0,
            handed_out: 0,
            details: None,
            error: None,
            failed_as: 0,
            is_stopped: false,
            is_renewed: false,
        }
    }

    pub(crate) fn end(&self) -> Option<&End> {
        match &self.phase {
            Phase::Ended(end) => Some(end),
            Phase::Waiting
            | Phase::Ready
            | Phase::Leased(_)
            | Phase::Backoff { .. }
            | Phase::Sleeping { .. }
            | Phase::Mapped => None,
        }
    }

    pub(crate) fn lease(&self) -> Option<Lease> {
        match self.phase {
            Phase::Leased(lease) => Some(lease),
            Phase::Waiting
            | Phase::Ready
            | Phase::Backoff { .. }
            | Phase::Sleeping { .. }
            | Phase::Mapped
            | Phase::Ended(_) => None,
        }
    }

    /// How long it has a worker for itself, where it is a suspect: it died with the whole process
    /// oftener than twice, or at all where a worker's death was its own before.
    pub(crate) fn alone_ms(&self) -> Option<u64> {
        if self.suspicions == 0 || (self.suspicions <= 2 && self.deliveries == 0) {
            return None;
        }
        Some(ALONE_MS << self.suspicions.saturating_sub(3).min(16))
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.end(), Some(End::Failed | End::Quarantined))
    }

    /// What it has put out, where it completed or was mended.
    pub(crate) fn output(&self) -> Option<&Bytes> {
        match self.end() {
            Some(End::Completed(output) | End::Mended(output)) => output.as_ref(),
            Some(
                End::Failed | End::Quarantined | End::Cancelled | End::Skipped | End::Unreached,
            )
            | None => None,
        }
    }

    /// It is to be done anew, with a fresh set of attempts.
    pub(super) fn waits_again(&mut self) {
        let (token, begun) = (self.token, self.begun);
        *self = Self { token, begun, attempt: self.attempt, is_renewed: true, ..Self::new() };
    }

    /// Learns the number of an attempt from its first event.
    pub(super) fn is_at_attempt(&mut self, attempt: u32) {
        if attempt != self.attempt {
            self.handed_out = 0;
        }
        if std::mem::take(&mut self.is_renewed) {
            self.first_attempt = attempt;
        }
        self.attempt = attempt;
        self.begun = self.begun.max(attempt);
    }

    pub(crate) fn opens(&mut self, at: u64) {
        self.phase = Phase::Ready;
        (self.ready_at, self.first_ready_at) = (at, at);
    }

    pub(crate) fn ends(&mut self, end: End) {
        self.phase = Phase::Ended(end);
    }

    /// The word by which the engine shows its state.
    pub(crate) fn word(&self) -> &'static str {
        match &self.phase {
            Phase::Waiting => "pending",
            Phase::Ready => "ready",
            Phase::Leased(_) => "leased",
            Phase::Backoff { .. } => "backoff",
            Phase::Sleeping { .. } | Phase::Mapped => "waiting",
            Phase::Ended(end) => match end {
                End::Completed(_) => "completed",
                End::Failed | End::Mended(_) => "failed",
                End::Quarantined => "quarantined",
                End::Cancelled => "cancelled",
                End::Skipped | End::Unreached => "skipped",
            },
        }
    }
}
