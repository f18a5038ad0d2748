//! Where a shard's log lives: the trait [`Log`], a store in one SQLite file, a store in memory, and the read model.
//!
//! A turn is acknowledged only when it is as durable as it asked to be. A damaged file is told from a torn tail,
//! and is never taken for a shorter log.

mod blob;
mod checksum;
mod fault;
mod fork;
mod log;
mod memory;
mod open;
pub mod read_model;
mod sqlite;
mod system_limits;
mod url;
mod wal;

pub use blob::{Blob, BlobHash};
pub use fault::{Damage, StoreFault};
pub use fork::{AtWork, after_fork_in_child, after_fork_in_parent, before_fork};
pub use log::{
    Checkpoint, Completion, Head, HistoryChunk, HistoryPart, Log, RunPage, RunPiece, Snapshot,
    StoredTurn, Turn, VerifyReport,
};
pub use memory::{MemoryFault, MemoryLog, MemoryStore};
pub use open::{Options, open};
pub use sqlite::backup_file;
pub use system_limits::with_way_out;
pub use url::StoreUrl;
