//! Retention: ended runs are forgotten in small turns, and what is kept of them is freed in bites.
//!
//! The turn that forgets a run is its durable mark: it frees the run's id, and what is left of the run is
//! deleted behind it, after a crash too. A run that still has events in the log waits for a checkpoint.

use std::sync::Arc;

use pyflow_core::command::{Command, EndedRun, ForgetRuns};
use pyflow_core::event::Event;
use pyflow_core::ids::RunNumber;
use pyflow_core::limits::KEY_KEPT_MS;
use pyflow_core::time::Millis;
use pyflow_store::read_model::{EndedFilter, RunRow};
use serde_json::json;

use super::ring::Driver;
use crate::clock::FIRST_BELIEVED;
use crate::fault::Refusal;
use crate::out::{Out, Value};

/// Runs that one turn forgets.
const TURN_RUN_COUNT: u32 = 500;
/// Bytes that are freed between two looks at the inbox.
const BITE_SIZE: usize = 4 * 1024 * 1024;
/// By itself it looks for runs to forget this often at most, and this seldom.
const LOOK_MS_MIN: u64 = 60_000;
const LOOK_MS_MAX: u64 = 3_600_000;

/// What is to be forgotten, and how far that is.
#[derive(Debug)]
pub(super) struct Pruning {
    /// How long ended runs are kept; none: for ever.
    retention_ms: Option<u64>,
    next_look: Millis,
    /// Those who asked: ticket, time of end, runs forgotten so far.
    asked: Vec<(u64, i64, u64)>,
    /// Whether runs past their retention were found and not all forgotten yet.
    is_late: bool,
    /// Whether forgotten runs have left something to be freed.
    has_leftovers: bool,
    /// Forgotten runs that the read model still shows.
    pub(super) gone: Vec<u64>,
}

impl Pruning {
    pub(super) fn new(retention_ms: Option<u64>, has_leftovers: bool) -> Self {
        let next_look = Millis(0);
        let (asked, gone) = (Vec::new(), Vec::new());
        Self { retention_ms, next_look, asked, is_late: false, has_leftovers, gone }
    }

    pub(super) fn ask(&mut self, ticket: u64, before_ms: u64) {
        self.asked.push((ticket, i64::try_from(before_ms).unwrap_or(i64::MAX), 0));
    }

    pub(super) fn forget_ticket(&mut self, ticket: u64) {
        self.asked.retain(|(other, _, _)| *other != ticket);
    }

    /// Whether there is something to be done at once.
    pub(super) fn has_work(&self) -> bool {
        !self.asked.is_empty() || self.is_late || self.has_leftovers
    }

    /// When to look by itself for runs past their retention.
    pub(super) fn next_look(&self) -> Option<Millis> {
        self.retention_ms.map(|_| self.next_look)
    }

    /// Those who asked, to be told of a fault.
    pub(super) fn take_asked(&mut self) -> Vec<u64> {
        self.asked.drain(..).map(|(ticket, _, _)| ticket).collect()
    }
}

impl Driver {
    /// Notes what a turn that is safe now has forgotten.
    pub(super) fn note_forgotten(&mut self, events: &[Event]) {
        for number in forgotten_by(events) {
            self.rows.remove(&number);
            self.pruning.gone.push(number);
            self.pruning.has_leftovers = true;
        }
    }

    /// Does one bite of what was asked for, or, where that is done, of what is due.
    pub(super) fn prune_a_bite(&mut self, now: Millis) {
        if self.read_only || self.fault.is_some() {
            return;
        }
        let done = self
            .free_a_bite()
            .and_then(|()| self.prune_as_asked(now))
            .and_then(|()| self.prune_by_retention(now));
        if let Err(refusal) = done {
            self.pruning.is_late = false;
            self.pruning.next_look = now.plus(LOOK_MS_MIN);
            for ticket in self.pruning.take_asked() {
                self.refuse(ticket, refusal.clone());
            }
        }
    }

    fn free_a_bite(&mut self) -> Result<(), Refusal> {
        if self.pruning.has_leftovers {
            // One that fails is tried again with the next look.
            self.pruning.has_leftovers = false;
            self.pruning.has_leftovers = self.log.free_forgotten(BITE_SIZE)?;
        }
        Ok(())
    }

    fn prune_as_asked(&mut self, now: Millis) -> Result<(), Refusal> {
        let Some((ticket, before_ms, so_far)) = self.pruning.asked.first().copied() else {
            return Ok(());
        };
        let count = self.forget_some((i64::MIN, before_ms), now)?;
        self.pruning.asked[0].2 = so_far + count;
        if count == 0 && !self.pruning.has_leftovers && !self.trimming.has_work() {
            self.pruning.asked.remove(0);
            let answer = Value::Json(json!({ "count": so_far }).to_string().into());
            self.out.push(Out::Reply { ticket, answer: Ok(answer) });
        }
        Ok(())
    }

    /// Runs of a time when the clock had not been set yet are kept: how old they are is not known.
    fn prune_by_retention(&mut self, now: Millis) -> Result<(), Refusal> {
        let Some(retention_ms) = self.pruning.retention_ms else { return Ok(()) };
        let is_due = now >= self.pruning.next_look || self.pruning.is_late;
        if !is_due || !self.pruning.asked.is_empty() {
            return Ok(());
        }
        self.pruning.has_leftovers |= !self.log.forgotten()?.is_empty();
        let before_ms = now.0 as i64 - i64::try_from(retention_ms).unwrap_or(i64::MAX / 2);
        let count = self.forget_some((FIRST_BELIEVED.0 as i64, before_ms), now)?;
        self.pruning.is_late = count > 0 || self.trimming.has_work();
        let first_end = self.model.first_end(FIRST_BELIEVED.0 as i64)?;
        let due = first_end.map_or(LOOK_MS_MAX, |end| end.saturating_sub(before_ms).max(0) as u64);
        self.pruning.next_look = now.plus(due.clamp(LOOK_MS_MIN, LOOK_MS_MAX));
        Ok(())
    }

    /// Forgets a turn's worth of the runs that ended in a span of time; answers how many.
    fn forget_some(
        &mut self,
        (from_ms, before_ms): (i64, i64),
        now: Millis,
    ) -> Result<u64, Refusal> {
        self.project();
        let keyed_before_ms = before_ms.min(now.0 as i64 - KEY_KEPT_MS as i64);
        let mut filter = EndedFilter {
            from_ms,
            before_ms,
            keyed_before_ms,
            last_position_max: None,
            limit: TURN_RUN_COUNT,
        };
        let wanted = self.model.ended(&filter)?;
        let last = wanted.iter().map(|row| row.last_position).max().unwrap_or(0);
        if last > self.log.head()?.trimmed {
            self.trim_to(last)?; // Their events must have left the log.
        }
        filter.last_position_max = Some(self.log.head()?.trimmed);
        let runs: Vec<EndedRun> = self.model.ended(&filter)?.into_iter().map(ended_run).collect();
        if runs.is_empty() {
            return Ok(0);
        }
        self.shard.handle(&Command::ForgetRuns(ForgetRuns { runs }), None, now);
        let turn = self.shard.end_turn(now);
        let count = forgotten_by(&turn.events).len() as u64;
        self.commit(turn);
        self.project();
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(count),
        }
    }
}

fn ended_run(row: RunRow) -> EndedRun {
    EndedRun {
        run: RunNumber(row.run),
        namespace: row.namespace.into(),
        run_id: row.run_id.into(),
        key: row.key.map(Arc::from),
    }
}

/// The numbers of the runs that events forget.
pub(crate) fn forgotten_by(events: &[Event]) -> Vec<u64> {
    let mut numbers = Vec::new();
    for event in events {
        if let Event::RunsForgotten(forgotten) = event {
            numbers.extend(forgotten.runs.iter().map(|(run, _)| run.0));
        }
    }
    numbers
}
