//! What is safe to be heard: replies, grants, stops, events; drained in batches.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_core::effect::{Granted, StopReason};

use crate::fault::Refusal;
use crate::patience::Awaited;
use crate::seat::Seat;
use crate::token::Token;
use crate::waker::Waker;

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

#[derive(Debug)]
pub(crate) struct Outbox {
    items: Mutex<VecDeque<Out>>,
    /// As the items were when they were last changed, to be seen without their lock.
    has_news: AtomicBool,
    /// Of who was the last to put something here.
    teller: Seat,
    /// None where the one who hears also turns the ring.
    waker: Option<Waker>,
}

impl Outbox {
    pub(crate) fn inline() -> Self {
        Self {
            items: Mutex::default(),
            has_news: AtomicBool::new(false),
            teller: Seat::unknown(),
            waker: None,
        }
    }

    pub(crate) fn waking() -> io::Result<Self> {
        Ok(Self { waker: Some(Waker::new()?), ..Self::inline() })
    }

    pub(crate) fn fd(&self) -> Option<RawFd> {
        self.waker.as_ref().map(Waker::fd)
    }

    /// Adds a batch; the hearer is woken once, and only if it had nothing left to hear.
    pub(crate) fn extend(&self, batch: impl IntoIterator<Item = Out>) {
        self.teller.take();
        let mut items = self.items.lock();
        let was_empty = items.is_empty();
        items.extend(batch);
        self.has_news.store(!items.is_empty(), Ordering::Relaxed);
        if was_empty
            && !items.is_empty()
            && let Some(waker) = &self.waker
        {
            waker.wake();
        }
    }

    /// Takes up to `count_max` items; it stays readable while more are left.
    pub(crate) fn drain(&self, to: &mut Vec<Out>, count_max: usize) {
        let mut items = self.items.lock();
        let count = items.len().min(count_max);
        to.extend(items.drain(..count));
        self.has_news.store(!items.is_empty(), Ordering::Relaxed);
        if items.is_empty()
            && let Some(waker) = &self.waker
        {
            waker.clear();
        }
    }
}

impl Awaited for Outbox {
    /// Whether there is something to hear. Only what is taken is sure.
    fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Relaxed)
    }

    fn is_made_here(&self) -> bool {
        self.teller.is_here()
    }
}
