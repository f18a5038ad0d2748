//! The store in one SQLite file.

mod backup;
mod blobs;
mod checkpoints;
mod connect;
mod epochs;
mod forgotten;
mod head;
mod health;
mod log;
mod meta;
mod owner_lock;
mod paths;
mod place;
mod run_history;
mod schema;
mod snapshots;
mod syncer;
mod trim;
mod trouble;
mod turns;
mod verify;
mod wal_length;
mod wal_room;
mod writer;

pub use backup::backup_file;
pub(crate) use connect::open_file;
pub(crate) use head::{HEAD_PAGE, HeadRecord};
pub(crate) use log::{open_owner, open_reader};
pub(crate) use owner_lock::close_inherited_locks;
pub(crate) use paths::{beside, resolve};
pub(crate) use trouble::{Trouble, Wanted, damaged};
