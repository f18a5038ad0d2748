//! Every order in which threads can run what the engine shares among them. Tests only.
//!
//! The engine's own sources, over loom's locks and atomics.

#![cfg(test)]

mod board;
mod hearing;
mod seat;
mod sync;
mod telling;
mod waker;

#[allow(dead_code)] // The engine uses more of them than these tests.
#[path = "../../src/awaited.rs"]
mod awaited;
#[allow(dead_code)]
#[path = "../../src/inbox.rs"]
mod inbox;
#[allow(dead_code)]
#[path = "../../src/outbox.rs"]
mod outbox;
#[allow(dead_code)]
#[path = "../../src/words.rs"]
mod words;
