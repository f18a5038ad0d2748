//! What can be heard of the ring: replies, grants, stops.

use bytes::Bytes;
use pyflow_core::effect::{Granted, StopReason};

use crate::fault::Refusal;
use crate::token::Token;

/// What a ticket is answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A write is safe, at this place.
    Done(Token),
    /// A run's id, and whether this call made it.
    Run {
        run_id: String,
        is_new: bool,
        token: Token,
    },
    Runs(Vec<String>, Token),
    Json(Bytes),
    /// The stored form of a definition.
    Stored(Bytes),
    Events(Vec<Bytes>),
}

/// One thing to hear.
#[derive(Debug)]
pub enum Out {
    Reply {
        ticket: u64,
        answer: Result<Value, Refusal>,
    },
    Grant(Box<Granted>),
    Stop {
        handle: u64,
        reason: StopReason,
    },
    /// The ring has stopped on a broken fact: nothing more will be heard of anything.
    Broken(Refusal),
}
