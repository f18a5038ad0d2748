//! Workers: what they hold, and what they have told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::effect::Granted;
use pyflow_core::event::TaskError;

/// An attempt that was handed to a worker, as the worker knows it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) session: u32,
    pub(crate) handle: u64,
    pub(crate) run_id: String,
    pub(crate) task: usize,
    pub(crate) item: Option<usize>,
    pub(crate) attempt: u32,
    pub(crate) token: u64,
    pub(crate) stop_told: bool,
    /// Why it is to stop, where it was told so.
    pub(crate) stop_reason: Option<&'static str>,
    /// It never comes back from this one.
    pub(crate) is_blocked: bool,
    pub(crate) pool: usize,
}

/// So many bytes of an error's message and of its traceback are kept.
const TEXT_SIZE_MAX: usize = 16 * 1024;

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failing {
    pub(crate) error_type: &'static str,
    /// Whether its code asked for a retry, or for none.
    pub(crate) retryable: Option<bool>,
    /// When its code asked to be tried again.
    pub(crate) retry_after_ms: Option<u64>,
    /// Tells its message from others.
    pub(crate) number: usize,
    /// Whether its texts are longer than what is kept of them.
    pub(crate) is_long: bool,
}

impl Failing {
    /// As the worker tells it.
    pub(crate) fn error(self) -> TaskError {
        let more = if self.is_long { "and more".repeat(TEXT_SIZE_MAX / 8) } else { String::new() };
        TaskError {
            error_type: self.error_type.into(),
            kinds: kinds_of(self.error_type).into_iter().map(Arc::from).collect(),
            message: format!("it went wrong: {}{more}", self.number),
            traceback: format!("line {}{more}", self.number),
            retryable: self.retryable,
            retry_after_ms: self.retry_after_ms,
        }
    }

    /// As it is kept: texts that are too long are cut, and say so.
    pub(crate) fn kept(self) -> TaskError {
        let cut = |text: String| match text.get(..TEXT_SIZE_MAX) {
            Some(first) if text.len() > TEXT_SIZE_MAX => {
                format!("{first} … ({} bytes in all)", text.len())
            }
            Some(_) | None => text,
        };
        let told = self.error();
        TaskError { message: cut(told.message), traceback: cut(told.traceback), ..told }
    }
}

/// The class of an error and its bases, nearest first.
pub(crate) fn kinds_of(error_type: &str) -> Vec<&str> {
    match error_type {
        "KeyError" => vec!["KeyError", "LookupError", "Exception"],
        "ValueError" => vec!["ValueError", "Exception"],
        "TimeoutError" => vec!["TimeoutError", "OSError", "Exception"],
        own => vec![own],
    }
}

/// What a worker says of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Completed(Bytes),
    Failed(Failing),
    Cancelled,
    Returned,
    Died,
}

/// What a worker tells of the death of its process.
pub(crate) const HOW_DIED: &str = "killed by a signal";

/// A report that was made.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) held: Held,
    pub(crate) outcome: Outcome,
}

/// A line that a task has written to its log, with the time on its worker's clock.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    pub(crate) at: u64,
    pub(crate) text: String,
}

/// A worker's connection.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) session: u32,
    /// The task types that it runs.
    pub(crate) types: Vec<&'static str>,
    /// By pool: async, thread, process.
    pub(crate) slots: [u32; 3],
    pub(crate) is_draining: bool,
    /// By handle.
    pub(crate) holds: BTreeMap<u64, Held>,
}

impl Worker {
    pub(crate) fn knows(&self, task_type: &str) -> bool {
        self.types.contains(&task_type)
    }

    /// Whether it takes one more task of a type.
    pub(crate) fn has_room(&self, task_type: &str) -> bool {
        let pool = pool_of(task_type);
        let used = self.holds.values().filter(|held| held.pool == pool).count();
        !self.is_draining && self.knows(task_type) && used < self.slots[pool] as usize
    }
}

/// All workers of the living process, and what any worker has ever told.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    pub(crate) present: Vec<Worker>,
    /// Whether the process ends politely, and takes back what they hold.
    pub(crate) are_leaving: bool,
    /// Every report of the living process, in order.
    pub(crate) told: Vec<Told>,
    /// Every report that was ever made.
    pub(crate) spoken: BTreeMap<Attempt, Vec<Outcome>>,
    /// What the living process was last told of an attempt.
    pub(crate) beats: BTreeMap<Attempt, Beat>,
    /// When the process may last have begun to wait anew for signs of life: a turn was not kept.
    pub(crate) awaited_anew_at: u64,
    /// Signs of life that wait at the door.
    pub(crate) beats_at_door: Vec<Sign>,
    /// Every line that an attempt has written to its log.
    pub(crate) lines: BTreeMap<Attempt, Vec<Spoken>>,
}

/// The last sign of life of an attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beat {
    pub(crate) told_at: u64,
    pub(crate) heard_at: u64,
    /// What a heartbeat told, this one or one before it.
    pub(crate) details: Option<Bytes>,
    /// How far it said last that it is, in tenths.
    pub(crate) progress: Option<usize>,
}

/// A sign of life that waits at the door.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(crate) attempt: Attempt,
    pub(crate) told_at: u64,
    pub(crate) details: Option<Bytes>,
    pub(crate) progress: Option<usize>,
}

/// An attempt by its run, task, item and token.
pub(crate) type Attempt = (String, usize, Option<usize>, u64);

/// The task types that workers run, with the pool of each.
pub(crate) const TYPES: &[(&str, usize)] =
    &[("work", 0), ("other", 1), ("metered", 0), ("mend", 0), ("heavy", 2)];

pub(crate) fn pool_of(task_type: &str) -> usize {
    TYPES.iter().find(|(name, _)| *name == task_type).map_or(0, |(_, pool)| *pool)
}

impl Held {
    pub(crate) fn of(granted: &Granted) -> Self {
        let task_type = granted.definition.task_type(granted.task);
        Self {
            session: granted.session.0,
            handle: granted.handle,
            run_id: granted.run_id.to_string(),
            task: granted.task.index(),
            item: granted.item.map(|item| item as usize),
            attempt: granted.attempt,
            token: granted.token,
            stop_told: false,
            stop_reason: None,
            is_blocked: false,
            pool: pool_of(task_type),
        }
    }
}

impl Held {
    pub(crate) fn attempt(&self) -> Attempt {
        (self.run_id.clone(), self.task, self.item, self.token)
    }
}

impl Workers {
    /// The process is gone, and its workers with it.
    pub(crate) fn lose_all(&mut self) {
        self.present.clear();
        self.told.clear();
        self.beats.clear();
        self.beats_at_door.clear();
    }

    /// A run is created: what was told of a former one with this id, which is forgotten, is of no run
    /// that there is.
    pub(crate) fn forget(&mut self, run_id: &str) {
        self.told.retain(|told| told.held.run_id != run_id);
        self.spoken.retain(|(of, ..), _| of != run_id);
        self.lines.retain(|(of, ..), _| of != run_id);
        self.beats.retain(|(of, ..), _| of != run_id);
        self.beats_at_door.retain(|sign| sign.attempt.0 != run_id);
        // What is at work for it still speaks of no attempt of the new one.
        let holds = self.present.iter_mut().flat_map(|worker| worker.holds.values_mut());
        for held in holds.filter(|held| held.run_id == run_id) {
            held.run_id.push_str(", forgotten");
        }
    }

    /// The ring was turned: what waited at the door was heard.
    pub(crate) fn were_heard(&mut self, heard_at: u64) {
        for Sign { attempt, told_at, details, progress } in self.beats_at_door.drain(..) {
            let known = self.beats.entry(attempt).or_default();
            let details = details.or(known.details.take());
            *known = Beat { told_at, heard_at, details, progress: progress.or(known.progress) };
        }
    }

    /// Since when a sign of life of an attempt is awaited that was handed out then.
    pub(crate) fn awaited_since(&self, attempt: &Attempt, leased_at: u64) -> u64 {
        let heard_at = self.beats.get(attempt).map_or(0, |beat| beat.heard_at);
        leased_at.max(heard_at).max(self.awaited_anew_at)
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = &Held> {
        self.present.iter().flat_map(|worker| worker.holds.values())
    }

    pub(crate) fn find_mut(&mut self, handle: u64) -> Option<&mut Held> {
        self.present.iter_mut().find_map(|worker| worker.holds.get_mut(&handle))
    }

    /// Notes a report; what is told of is held no more.
    pub(crate) fn tell(&mut self, held: &Held, outcome: &Outcome) {
        for worker in &mut self.present {
            worker.holds.remove(&held.handle);
        }
        self.spoken.entry(held.attempt()).or_default().push(outcome.clone());
        self.told.push(Told { held: held.clone(), outcome: outcome.clone() });
    }
}
