//! The bounded door into the ring: full is an answer, not a wait.

use std::collections::VecDeque;
use std::time::Instant;

use crate::awaited::Awaited;
use crate::seat::Seat;
use crate::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, Ordering};

#[derive(Debug)]
pub(crate) struct Inbox<T> {
    queue: Mutex<Queue<T>>,
    arrived: Condvar,
    /// As the queue was when it was last changed, to be seen without its lock.
    has_news: AtomicBool,
    /// Of who was the last to put something here.
    asker: Seat,
    count_max: usize,
    /// Runs that were taken and wait behind the door for room.
    waiting_count: AtomicUsize,
}

#[derive(Debug)]
struct Queue<T> {
    requests: VecDeque<T>,
    closed: bool,
}

/// Room for so many requests is kept while none is there.
const ROOM_COUNT_MAX: usize = 1_024;

impl<T> Queue<T> {
    fn hand_over(&mut self, to: &mut VecDeque<T>) {
        if to.is_empty() {
            std::mem::swap(to, &mut self.requests); // The room that it has had is the next one's.
        } else {
            to.append(&mut self.requests);
        }
        self.requests.shrink_to(ROOM_COUNT_MAX);
    }
}

/// Why a request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// So many starts wait.
    Full {
        waiting_count: usize,
    },
    Closed,
}

impl<T> Inbox<T> {
    pub(crate) fn new(count_max: usize) -> Self {
        Self {
            queue: Mutex::new(Queue { requests: VecDeque::new(), closed: false }),
            arrived: Condvar::new(),
            has_news: AtomicBool::new(false),
            asker: Seat::unknown(),
            count_max,
            waiting_count: AtomicUsize::new(0),
        }
    }

    /// Takes a request; only one that may be refused finds the door full.
    pub(crate) fn put(&self, request: T, may_be_refused: bool) -> Result<(), NotTaken> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(NotTaken::Closed);
        }
        let waiting_count = queue.requests.len() + self.waiting_count.load(Ordering::Relaxed);
        if waiting_count >= self.count_max && may_be_refused {
            return Err(NotTaken::Full { waiting_count });
        }
        self.asker.take();
        let was_empty = queue.requests.is_empty();
        queue.requests.push_back(request);
        self.has_news.store(true, Ordering::Relaxed);
        drop(queue);
        if was_empty {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Notes how many runs that were taken wait for room.
    pub(crate) fn note_waiting(&self, count: usize) {
        self.waiting_count.store(count, Ordering::Relaxed);
    }

    /// Takes all that has arrived without waiting.
    pub(crate) fn take_nowait(&self, to: &mut VecDeque<T>) {
        let mut queue = self.queue.lock();
        self.hand_over(&mut queue, to);
    }

    /// Wakes who waits for something to arrive, because that is near.
    pub(crate) fn rouse(&self) {
        self.arrived.notify_one();
    }

    /// Waits until something arrives or a time has come, and takes all there is. Answers whether it was only roused.
    pub(crate) fn wait_take(&self, until: Option<Instant>, to: &mut VecDeque<T>) -> bool {
        let mut queue = self.queue.lock();
        let mut in_time = true;
        if queue.requests.is_empty() && !queue.closed {
            match until {
                Some(until) => in_time = !self.arrived.wait_until(&mut queue, until).timed_out(),
                None => self.arrived.wait(&mut queue),
            }
        }
        let is_roused = in_time && queue.requests.is_empty() && !queue.closed;
        self.hand_over(&mut queue, to);
        is_roused
    }

    fn hand_over(&self, queue: &mut Queue<T>, to: &mut VecDeque<T>) {
        queue.hand_over(to);
        self.has_news.store(queue.closed, Ordering::Relaxed);
    }

    /// Takes nothing more.
    pub(crate) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        self.has_news.store(true, Ordering::Relaxed);
        drop(queue);
        self.arrived.notify_one();
    }

    /// So many starts may wait.
    pub(crate) fn count_max(&self) -> usize {
        self.count_max
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.lock().requests.len()
    }
}

impl<T> Awaited for Inbox<T> {
    /// Whether something has arrived, or nothing more will. Only what is taken is sure.
    fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Relaxed)
    }

    fn is_made_here(&self) -> bool {
        self.asker.is_here()
    }
}
