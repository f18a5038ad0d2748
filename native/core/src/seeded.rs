//! Bugs on request: thirty places where a switch makes the code wrong, so that the simulator can show
//! that it would see it. Without the feature `seeded-bugs` no switch exists and nothing is compiled.

#[cfg(feature = "seeded-bugs")]
use std::sync::atomic::{AtomicU8, Ordering};

/// Declares the bugs with their names.
macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Bug {
            $($(#[$doc])* $name,)*
        }

        impl Bug {
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

bugs! {
    /// A report is taken whatever its grant.
    StaleReportTaken,
    /// The second retry is never made.
    SecondRetryLost,
    /// One retry more than allowed.
    OneRetryTooMany,
    /// What may run only once is handed out again when its worker is lost.
    AtMostOnceForgotten,
    /// Quarantine comes one death late.
    QuarantineLate,
    /// Cancelling a paused run is acknowledged and not recorded.
    CancelOfPausedLost,
    /// A key is free as soon as its run has ended.
    KeyFreedAtEnd,
    /// A checkpoint forgets the keys.
    KeysNotInCheckpoint,
    /// A decision takes the last branch that holds.
    DecisionTakesLast,
    /// A gateway passes on the last output.
    GatewayTakesLast,
    /// What is due within 50 ms is taken out, found not due, and forgotten.
    TimersTakenEarly,
    /// A deadline is not armed again after a restart.
    DeadlineNotResumed,
    /// A timer is not armed again after a restart.
    TimerNotResumed,
    /// What was ready in a paused run is forgotten by a restart.
    PausedWorkNotResumed,
    /// A skipped task does not tell those that wait for it.
    SkipNotPassedOn,
    /// A join of n opens with n - 1.
    JoinOpensEarly,
    /// A join that wants no failure opens after one.
    FailureNotSeen,
    /// A join opens although a decision may still pass it over.
    DecisionNotAwaited,
    /// A lease that ends in a retry keeps its permits.
    PermitsNotReleased,
    /// One more than the limit may hold a permit.
    OnePermitTooMany,
    /// Attempts after the first do not count towards the rate.
    RetriesNotMetered,
    /// All work has the same priority.
    PriorityIgnored,
    /// A slot is lost with each worker process that dies.
    SlotNotFreed,
    /// A map opens one item more than may run at once.
    OneItemTooMany,
    /// A handler that recovers leaves no output.
    HandlerOutputLost,
    /// Leases that outlive a full disk get no timeouts and no permits.
    LeasesNotHeldAgain,
    /// A turn that the log has refused is acknowledged all the same.
    AcknowledgedUnkept,
    /// Reports that came while the disk was full are forgotten.
    ReportsNotKept,
    /// A checkpoint leaves out the runs of the turn right after the one before.
    CheckpointSkipsRuns,
    /// One of those who wait for a run's end is not told.
    OneWaiterNotTold,
}

/// The bug that is planted, from 1; 0 for none.
#[cfg(feature = "seeded-bugs")]
static PLANTED: AtomicU8 = AtomicU8::new(0);

/// Plants a bug, or none, for the whole process.
#[cfg(feature = "seeded-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.store(bug.map_or(0, |bug| bug as u8 + 1), Ordering::Relaxed);
}

/// Whether this bug is planted.
#[cfg(feature = "seeded-bugs")]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.load(Ordering::Relaxed) == bug as u8 + 1
}

/// Whether this bug is planted: never in this build.
#[cfg(not(feature = "seeded-bugs"))]
#[inline]
pub fn is_planted(_bug: Bug) -> bool {
    false
}
