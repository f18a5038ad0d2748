//! Reading SQLite's write-ahead log before SQLite does.
//!
//! SQLite takes a log that is cut at a bad frame for one that ends there. That is right for a torn tail, but
//! would make damage in acknowledged turns look like a shorter log.

mod format;
mod mend;
mod scan;

pub(crate) use format::length_of;
pub(crate) use scan::{WalDamage, WalState, scan};
