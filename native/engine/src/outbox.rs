//! What is safe to be heard, drained in batches.

use std::collections::VecDeque;
use std::os::fd::RawFd;

use crate::awaited::Awaited;
use crate::seat::Seat;
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::waker::Waker;

#[derive(Debug)]
pub(crate) struct Outbox<T> {
    items: Mutex<VecDeque<T>>,
    /// As the items were when they were last changed, to be seen without their lock.
    has_news: AtomicBool,
    /// Of who was the last to put something here.
    teller: Seat,
    /// None where the one who hears also turns the ring.
    waker: Option<Waker>,
}

impl<T> Outbox<T> {
    pub(crate) fn new(waker: Option<Waker>) -> Self {
        Self {
            items: Mutex::new(VecDeque::new()),
            has_news: AtomicBool::new(false),
            teller: Seat::unknown(),
            waker,
        }
    }

    pub(crate) fn fd(&self) -> Option<RawFd> {
        self.waker.as_ref().map(Waker::fd)
    }

    /// Adds a batch; the hearer is woken once, and only if it had nothing left to hear.
    pub(crate) fn extend(&self, batch: impl IntoIterator<Item = T>) {
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
    pub(crate) fn drain(&self, to: &mut Vec<T>, count_max: usize) {
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

impl<T> Awaited for Outbox<T> {
    /// Whether there is something to hear. Only what is taken is sure.
    fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Relaxed)
    }

    fn is_made_here(&self) -> bool {
        self.teller.is_here()
    }
}
