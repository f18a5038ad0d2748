//! What can go wrong with a store. Each fault says what was wanted, what was found and what to do.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;

/// Proof that stored bytes are not what was written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file that holds the damage.
    pub path: PathBuf,
    /// The part of the file: a table, or the write-ahead log.
    pub place: String,
    /// The position of the turn concerned, where it is a turn.
    pub position: Option<u64>,
    /// The offset in the file in bytes, where it is known.
    pub offset: Option<u64>,
    /// The frame of the write-ahead log, from 1, where it is one; 0 is the header.
    pub frame: Option<u64>,
    /// What was found that cannot be.
    pub reason: String,
}

/// A fault of the store or of the way to it. `code` names its page in `docs/errors/`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreFault {
    /// The world failed under an operation. The log refuses everything after it until it is opened again; whether
    /// the operation itself was stored shows when it is.
    #[error("{operation} failed on {path}: {detail}; close the store and open it again (PF2001)")]
    Failed { operation: &'static str, path: PathBuf, detail: String },
    /// The operation was not done and left no trace; the log stays usable.
    #[error("{operation} was refused by {path}: {detail} (PF2001)")]
    Refused { operation: &'static str, path: PathBuf, detail: String },
    /// Another owner has opened the store since.
    #[error(
        "epoch {ours} no longer owns the store, epoch {found} does; open it again to take it back (PF2001)"
    )]
    Fenced { ours: u32, found: u32 },
    /// The position asked for has been moved to history.
    #[error(
        "position {asked} has been trimmed, the log starts at {first}; read from there, or the run's history \
         (PF2001)"
    )]
    Trimmed { asked: u64, first: u64 },
    /// A reader asked for a store that does not exist.
    #[error("there is no store at {path}; open it as an owner first, or check the path (PF2001)")]
    Missing { path: PathBuf },
    /// The file is something else.
    #[error(
        "{path} is not a pyflow store: {found}; choose another path or move that file away (PF2001)"
    )]
    NotAStore { path: PathBuf, found: String },
    /// The file was written in a format that this version does not know.
    #[error(
        "{path} has format {found}, this version knows up to {known}; upgrade pyflow to open it (PF2001)"
    )]
    FormatUnknown { path: PathBuf, found: u32, known: u32 },
    /// The path cannot hold a store.
    #[error("{path} cannot hold a store: {reason}; {advice} (PF2001)")]
    PathUnusable { path: PathBuf, reason: String, advice: String },
    /// The URL does not say where the store is.
    #[error("the store URL {url:?} is not usable: {reason} (PF2001)")]
    UrlInvalid { url: String, reason: String },
    /// A live owner holds the store.
    #[error(
        "{path} is open in another engine ({}); stop that one, or open the store read-only (PF2002)",
        holder(*pid, *since_ms)
    )]
    Busy { path: PathBuf, pid: Option<u32>, since_ms: Option<u64> },
    /// Stored bytes are not what was written.
    #[error(
        "{} is damaged in {}: {}; keep a copy, then restore a backup (PF2003)",
        .0.path.display(), .0.place, .0.reason
    )]
    Damaged(Box<Damage>),
    /// There is no room left. The operation left no trace; the same log takes writes again when there is room.
    #[error("there is no room left for {path}; free some space, writes then resume (PF2004)")]
    Full { path: PathBuf },
    /// The store can be read but not written.
    #[error("{path} cannot be written: {detail}; make it writable or open it read-only (PF2005)")]
    ReadOnly { path: PathBuf, detail: String },
    /// The URL names a kind of store that is not known here.
    #[error("the store scheme {scheme:?} is unknown; known are {} (PF2008)", known.join(", "))]
    SchemeUnknown { scheme: String, known: &'static [&'static str] },
}

impl StoreFault {
    /// The code that stays the same for ever.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Failed { .. }
            | Self::Refused { .. }
            | Self::Fenced { .. }
            | Self::Trimmed { .. }
            | Self::Missing { .. }
            | Self::NotAStore { .. }
            | Self::FormatUnknown { .. }
            | Self::PathUnusable { .. }
            | Self::UrlInvalid { .. } => "PF2001",
            Self::Busy { .. } => "PF2002",
            Self::Damaged(_) => "PF2003",
            Self::Full { .. } => "PF2004",
            Self::ReadOnly { .. } => "PF2005",
            Self::SchemeUnknown { .. } => "PF2008",
        }
    }

    /// Whether the log that gave it takes no more writes until it is opened again.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Fenced { .. } | Self::Damaged(_))
    }
}

fn holder(pid: Option<u32>, since_ms: Option<u64>) -> String {
    match (pid, since_ms) {
        (Some(pid), Some(since_ms)) => format!("process {pid}, for {}", age(since_ms)),
        (Some(pid), None) => format!("process {pid}"),
        (None, _) => "process unknown".to_owned(),
    }
}

/// How long ago a moment was, in the largest unit that it fills.
fn age(since_ms: u64) -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = since_epoch.map_or(since_ms, |span| span.as_millis() as u64);
    let seconds = now_ms.saturating_sub(since_ms) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}
