//! The one door to a store.

use crate::memory::MemoryStore;
use crate::sqlite::{open_owner, open_reader};
use crate::{Log, StoreFault, StoreUrl};

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Reads beside a live owner, takes no lock and refuses writes. Default: false.
    pub read_only: bool,
}

/// Opens the log at a URL; as its owner (a missing SQLite store is created), or to read.
///
/// An owner gets a new epoch. See [`StoreFault`] for what can be in the way.
pub fn open(url: &str, options: &Options) -> Result<Box<dyn Log>, StoreFault> {
    match (StoreUrl::parse(url)?, options.read_only) {
        (StoreUrl::Sqlite(path), true) => Ok(Box::new(open_reader(&path)?)),
        (StoreUrl::Sqlite(path), false) => Ok(Box::new(open_owner(&path)?)),
        (StoreUrl::Memory, false) => Ok(Box::new(MemoryStore::default().open())),
        (StoreUrl::Memory, true) => Err(StoreFault::UrlInvalid {
            url: url.to_owned(),
            reason: "memory:// has nothing to read when it is opened; open it to write".to_owned(),
        }),
    }
}
