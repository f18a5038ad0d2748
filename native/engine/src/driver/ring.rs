//! One pump of the ring: requests, turns, one append each, release.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pyflow_core::ids::{RunNumber, SessionId};
use pyflow_core::seeded::{Bug, is_planted};
use pyflow_core::shard::Shard;
use pyflow_core::shard::Turn as ShardTurn;
use pyflow_core::time::Millis;
use pyflow_store::read_model::{ReadModel, RunRow};
use pyflow_store::{Blob, BlobHash, Completion, Log, StoreFault, Turn};

use crate::board::{Board, RunWords};
use crate::clock::Clock;
use crate::fault::Refusal;
use crate::out::Out;
use crate::outbox::Outbox;
use crate::projection::Projection;
use crate::request::{AttemptReport, Look, Request};
use crate::token::Token;
use crate::watch::Watchers;

use super::keeping::Trimming;
use super::lag::Lag;
use super::lost::PROBE_DELAY;
use super::pruning::{Pruning, forgotten_by};
use super::tokens::EarlyLook;

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) shard: Shard,
    pub(crate) log: Box<dyn Log>,
    pub(crate) model: ReadModel,
    pub(crate) clock: Clock,
    pub(crate) board: Arc<Board>,
    pub(crate) outbox: Arc<Outbox<Out>>,
    pub(crate) namespace: Arc<str>,
    /// The position of the latest checkpoint, and the bytes of log since it.
    pub(crate) checkpoint: (u64, u64),
    /// So many bytes of log ask for another checkpoint.
    pub(crate) checkpoint_size: u64,
    /// What is left of the log that the last owner's checkpoint covers.
    pub(crate) trimming: Trimming,
    /// Only looks, beside a live owner.
    pub(crate) read_only: bool,
    /// Whether the rows of the read model are written here.
    pub(crate) owns_model: bool,
    /// How long ended runs are kept, and whether forgotten ones have left something.
    pub(crate) retention: (Option<u64>, bool),
}

/// A shard with its log, turned by whoever holds it.
pub(crate) struct Driver {
    pub(super) shard: Shard,
    pub(super) log: Box<dyn Log>,
    pub(super) model: ReadModel,
    pub(super) clock: Clock,
    pub(super) board: Arc<Board>,
    pub(super) outbox: Arc<Outbox<Out>>,
    pub(super) namespace: Arc<str>,
    /// Requests that did not fit into the turn before.
    pub(super) backlog: VecDeque<Request>,
    /// Looks that wait for the end of the turn: what they see must be safe.
    pub(super) looks: Vec<(u64, Look, Option<Token>)>,
    /// Those that ask to see what is not here yet.
    pub(super) early: Vec<EarlyLook>,
    /// The position of the latest turn that was released.
    pub(super) released: u64,
    /// The position of the latest turn that was synced before it was released.
    durable: u64,
    /// Empty: its room is used again.
    completions: Vec<Completion>,
    /// What this pump has found safe to say.
    pub(super) out: Vec<Out>,
    pub(super) words: BTreeMap<RunNumber, Arc<RunWords>>,
    pub(super) waiters: BTreeMap<RunNumber, Vec<u64>>,
    pub(super) watchers: Watchers,
    /// Rows that differ from those of the read model.
    pub(super) rows: BTreeMap<u64, RunRow>,
    /// Why nothing is written any more, or for the time being.
    pub(super) fault: Option<Refusal>,
    /// Whether writes may go on by themselves once there is room again.
    pub(super) may_resume: bool,
    /// A turn that the log has not kept and that memory holds still: nothing of that may be told.
    pub(super) lost: Option<ShardTurn>,
    pub(super) probed_at: Option<Millis>,
    /// When the read model was last brought up to what is known.
    projected_at: Millis,
    /// The time that the last turn went by: what is due since then is still to be done.
    turned_at: Millis,
    /// Reports that no kept turn holds yet.
    pub(super) unkept: Vec<(SessionId, AttemptReport)>,
    pub(super) counts: Counts,
    /// The position of the latest checkpoint, and the bytes of log since it.
    pub(super) checkpoint: (u64, u64),
    pub(super) checkpoint_size: u64,
    pub(super) trimming: Trimming,
    pub(super) read_only: bool,
    owns_model: bool,
    pub(super) lag: Lag,
    pub(super) pruning: Pruning,
}

/// What metrics count.
#[derive(Debug, Default, Clone)]
pub(super) struct Counts {
    pub(super) turns: u64,
    pub(super) events: u64,
    pub(super) log_size: u64,
    pub(super) grants: u64,
    pub(super) runs_started: u64,
    pub(super) runs_ended: u64,
}

/// Rows wait this long for others before the read model takes them.
const PROJECTION_DELAY: Duration = Duration::from_millis(50);
/// A reader whose callers wait looks this often at what the owner has written.
const READER_DELAY: Duration = Duration::from_millis(200);
/// Rows wait no longer than this, however busy it is.
const PROJECTION_AGE_MAX: Duration = Duration::from_secs(1);
/// So many rows do not wait.
const PROJECTION_COUNT_MAX: usize = 1_024;

impl Driver {
    pub(crate) fn new(parts: Parts) -> Self {
        let released = parts.shard.state().position();
        Self {
            shard: parts.shard,
            log: parts.log,
            model: parts.model,
            clock: parts.clock,
            board: parts.board,
            outbox: parts.outbox,
            namespace: parts.namespace,
            backlog: VecDeque::new(),
            looks: Vec::new(),
            early: Vec::new(),
            released,
            durable: 0,
            completions: Vec::new(),
            out: Vec::new(),
            words: BTreeMap::new(),
            waiters: BTreeMap::new(),
            watchers: Watchers::default(),
            rows: BTreeMap::new(),
            fault: None,
            may_resume: false,
            lost: None,
            probed_at: None,
            projected_at: Millis(0),
            turned_at: Millis(0),
            unkept: Vec::new(),
            counts: Counts::default(),
            checkpoint: parts.checkpoint,
            checkpoint_size: parts.checkpoint_size,
            trimming: parts.trimming,
            read_only: parts.read_only,
            owns_model: parts.owns_model,
            lag: Lag::default(),
            pruning: Pruning::new(parts.retention.0, parts.retention.1),
        }
    }

    /// Takes up what the shard's last owner owed, and shows the live runs.
    pub(crate) fn resume(&mut self, was_polite: bool) {
        let live: Vec<_> =
            self.shard.state().runs().map(|run| (run.number(), run.state())).collect();
        for (number, state) in live.into_iter().filter(|(_, state)| !state.is_terminal()) {
            self.show_run(number, state);
            self.show_tasks(number);
        }
        let now = self.clock.now();
        self.shard.resume(was_polite, now);
    }

    /// Keeps what a reader may not write to the read model.
    pub(crate) fn keep_projection(&mut self, projection: Projection) {
        self.rows.extend(projection.rows);
        for number in projection.gone {
            self.rows.remove(&number);
            self.pruning.gone.push(number);
        }
    }

    /// Counts the events of turns, by position, for those who follow them.
    pub(crate) fn note_lag(&mut self, turns: &[(u64, u64)]) {
        for (position, count) in turns {
            self.lag.note(*position, *count);
        }
    }

    /// Where requests are put before a pump.
    pub(crate) fn backlog(&mut self) -> &mut VecDeque<Request> {
        &mut self.backlog
    }

    /// Turns the ring until nothing is left to do without a new request.
    pub(crate) fn pump(&mut self) {
        if self.read_only {
            return self.look_only();
        }
        self.probe_in_time();
        if self.fault.is_some() {
            return self.refuse_all();
        }
        // Read once a turn: it costs as much as a small map.
        let mut now = self.clock.now();
        loop {
            self.turned_at = now;
            self.shard.fire_due(now);
            while !self.shard.is_full()
                && let Some(request) = self.backlog.pop_front()
            {
                self.take(request, now);
            }
            let turn = self.shard.end_turn(now);
            self.commit(turn);
            if self.fault.is_some() {
                return self.refuse_all();
            }
            self.unkept.clear();
            self.take_looks(now);
            if self.backlog.is_empty() && !self.shard.has_work(now) {
                break;
            }
            self.speak();
            now = self.clock.now();
        }
        self.speak(); // What follows is nobody's answer.
        self.project_in_time(now);
        self.keep_in_time();
        self.prune_a_bite(now);
        self.speak();
    }

    /// Answers what was asked while nothing can be written: looks as far as memory shows what the log
    /// holds, the rest with the fault.
    fn refuse_all(&mut self) {
        let now = self.clock.now();
        while let Some(request) = self.backlog.pop_front() {
            self.take(request, now);
        }
        self.take_looks(now);
        self.speak();
    }

    /// Appends a turn and releases what it owes; nothing leaves before it is safe.
    pub(super) fn commit(&mut self, turn: ShardTurn) {
        if turn.events.is_empty() {
            return self.release(turn);
        }
        self.counts.turns += 1;
        self.counts.events += turn.events.len() as u64;
        self.counts.log_size += turn.encoded.len() as u64;
        self.checkpoint.1 += turn.encoded.len() as u64;
        let (position, stored) = (turn.position, stored_turn(&turn, self.log.epoch()));
        self.log.submit(stored);
        let mut completions = std::mem::take(&mut self.completions);
        self.log.completions(&mut completions);
        for completion in completions.drain(..) {
            match completion {
                Completion::Durable { .. } => {}
                Completion::Fenced { epoch, .. } => {
                    let ours = self.log.epoch();
                    return self.stop(&StoreFault::Fenced { ours, found: epoch }, turn);
                }
                Completion::Failed { .. } if is_planted(Bug::AcknowledgedUnkept) => {}
                Completion::Failed { fault, .. } => return self.stop(&fault, turn),
            }
        }
        self.completions = completions;
        if turn.synced {
            self.durable = position;
        }
        debug_assert_eq!(
            position,
            self.shard.state().position(),
            "a turn is applied as it is kept"
        );
        self.release(turn);
    }

    pub(super) fn refuse(&mut self, ticket: u64, refusal: Refusal) {
        self.out.push(Out::Reply { ticket, answer: Err(refusal) });
    }

    /// Hands what is safe to those who hear.
    pub(super) fn speak(&mut self) {
        if !self.out.is_empty() {
            self.outbox.extend(self.out.drain(..));
        }
    }

    /// Brings the read model up to what is known where there is much of it, or some for long: a log
    /// that has lost its end is found out by what the model knows.
    fn project_in_time(&mut self, now: Millis) {
        let age = Duration::from_millis(now.since(self.projected_at));
        if self.rows.len() >= PROJECTION_COUNT_MAX || age >= PROJECTION_AGE_MAX {
            self.project();
        }
    }

    /// Brings the read model up to what is known.
    pub(super) fn project(&mut self) {
        self.projected_at = self.clock.now();
        let has_news = !self.rows.is_empty() || !self.pruning.gone.is_empty();
        if !has_news || self.fault.is_some() || !self.owns_model {
            return;
        }
        // What could not be written is kept for the next time; lookups see it meanwhile.
        let removed = self.model.remove(&self.pruning.gone);
        let rows = self.rows.values();
        if removed.and_then(|()| self.model.apply(rows, self.released, self.durable)).is_ok() {
            self.rows.clear();
            self.pruning.gone.clear();
        }
    }

    /// How many runs were taken and wait for room.
    pub(crate) fn waiting_count(&self) -> usize {
        self.shard.waiting_count()
    }

    /// Does what can wait for a quiet moment.
    pub(crate) fn idle(&mut self) {
        self.probe_in_time();
        self.project();
        self.speak();
    }

    /// How long nothing is to be done, as far as is known; none: until something is asked.
    pub(crate) fn quiet_for(&self) -> Option<Duration> {
        if self.read_only {
            return self.is_waited_on().then_some(READER_DELAY);
        }
        if self.fault.is_some() {
            return self.may_resume.then_some(PROBE_DELAY);
        }
        let now = self.clock.now();
        if self.has_chores() {
            return Some(Duration::ZERO);
        }
        let in_ms = |at: Millis| Duration::from_millis(at.since(now).max(1));
        let wake = self.shard.next_wake(self.turned_at).map(in_ms);
        let tidy = (!self.rows.is_empty()).then_some(PROJECTION_DELAY);
        let prune = self.pruning.next_look().map(in_ms);
        wake.into_iter().chain(tidy).chain(prune).min()
    }

    /// When the ring must be turned again without a request, in milliseconds from now.
    pub(crate) fn next_wake_ms(&self) -> Option<u64> {
        if self.has_chores() && self.fault.is_none() {
            return Some(0);
        }
        self.shard.next_wake(self.turned_at).map(|at| at.since(self.clock.now()))
    }

    /// Whether there is housekeeping to be done at once, a bite at a time.
    fn has_chores(&self) -> bool {
        self.pruning.has_work() || self.trimming.has_work()
    }

    /// The position and the digest of the state, where the log holds all of it.
    pub(crate) fn digest(&self) -> Option<(u64, [u8; 32])> {
        let state = self.shard.state();
        self.fault.is_none().then(|| (state.position(), state.digest()))
    }

    pub(crate) fn advance(&mut self, span_ms: u64) {
        self.clock.advance(span_ms);
    }

    /// How far the wall is ahead of the ring's clock, or behind it, in milliseconds.
    pub(crate) fn clock_offset_ms(&self) -> i64 {
        self.clock.offset_ms()
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }
}

fn stored_turn(turn: &ShardTurn, epoch: u32) -> Turn {
    Turn {
        position: turn.position,
        epoch,
        runs: turn.runs.clone(),
        events: Bytes::copy_from_slice(&turn.encoded),
        blobs: turn.blobs.iter().map(|(_, bytes)| Blob::new(bytes.clone())).collect(),
        named: turn.named.iter().map(|(run, hash)| (*run, BlobHash::from_bytes(*hash))).collect(),
        forgotten: forgotten_by(&turn.events),
        sync: turn.synced,
    }
}
