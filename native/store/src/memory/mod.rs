//! A store that is gone with the process, and fails when told to.

mod fault;
mod log;
mod shelf;

pub use fault::MemoryFault;
pub use log::MemoryLog;
pub use shelf::MemoryStore;
