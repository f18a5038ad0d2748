//! What can befall one call of the store.

use std::path::PathBuf;

use pyflow_store::{Damage, StoreFault};

/// What happens to a call. Troubles of reads wait for a read, troubles of writes for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The process is killed before the call does anything.
    KilledBefore,
    /// The process is killed when the call has done its work and nobody has heard of it.
    KilledAfter,
    /// The power goes while the call writes: what it wrote is torn, which the checksum sees, and of
    /// what was not synced before no more than these percent are left.
    Torn { left_percent: u8 },
    /// The bytes are written, and the sync after them fails.
    SyncFails,
    /// Nothing is written.
    WriteFails,
    /// The store does not want it, and stays usable.
    Refused,
    /// The same, of a checkpoint.
    CheckpointRefused,
    /// What is read is not what was written, and the checksum sees that.
    Misread,
    /// The call takes so long.
    Slow { span_ms: u64 },
}

/// What the store is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Write,
    /// A write that keeps the whole state.
    Checkpoint,
}

/// What a killed process unwinds with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Killed;

impl Trouble {
    /// Whether it can befall such a call.
    pub(super) fn suits(self, call: Call) -> bool {
        match self {
            Self::KilledBefore | Self::KilledAfter | Self::Slow { .. } => true,
            Self::Torn { .. } | Self::SyncFails | Self::WriteFails | Self::Refused => {
                call != Call::Read
            }
            Self::CheckpointRefused => call == Call::Checkpoint,
            Self::Misread => call == Call::Read,
        }
    }
}

pub(super) fn failed(operation: &'static str) -> StoreFault {
    StoreFault::Failed { operation, path: path(), detail: "the disk gave an error".into() }
}

pub(super) fn refused(operation: &'static str) -> StoreFault {
    StoreFault::Refused { operation, path: path(), detail: "not now".into() }
}

pub(super) fn full() -> StoreFault {
    StoreFault::Full { path: path() }
}

pub(super) fn misread() -> StoreFault {
    StoreFault::Damaged(Box::new(Damage {
        path: path(),
        place: "a block".into(),
        position: None,
        offset: None,
        frame: None,
        reason: "its checksum is wrong".into(),
    }))
}

fn path() -> PathBuf {
    PathBuf::from("the simulated disk")
}
