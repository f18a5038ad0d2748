//! The one way into state: an event that has happened is made to have happened.
//!
//! Nothing here can fail: what an event needs was checked by the decider that made it.

mod admit;
mod by_event;
mod handlers;
mod joins;
mod maps;
mod recover;
mod runs;
mod settle;
mod shift;
mod tasks;
