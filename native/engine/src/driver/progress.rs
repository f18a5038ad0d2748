//! Events to those who follow them.

use std::collections::BTreeMap;

use bytes::Bytes;
use pyflow_core::event::Event;
use pyflow_core::history::event_json;
use pyflow_core::ids::RunNumber;
use pyflow_core::state::{Run, State};
use pyflow_store::read_model::{Lookup, RunSelector};
use serde_json::json;

use super::look::Looked;
use super::ring::Driver;
use crate::fault::Refusal;
use crate::out::{Out, Value};
use crate::recovery::{decode, fold_run, run_events};
use crate::watch::Watcher;

/// Runs that have left memory, folded again to name their events.
type Left = BTreeMap<RunNumber, State>;

/// Bytes of log that one answer to a follower of all runs is made from.
const WATCH_READ_SIZE: usize = 256 * 1024;

impl Driver {
    /// Answers with the events after a place, at once if there are any, else when there are.
    pub(super) fn watch(&mut self, run_id: Option<&str>, watcher: Watcher) {
        let ticket = watcher.ticket;
        let answer = match run_id {
            Some(run_id) => self.watch_run(run_id, watcher),
            None => self.watch_all(watcher),
        };
        match answer {
            Ok(None) => {}
            Ok(Some(events)) => {
                self.out.push(Out::Reply { ticket, answer: Ok(Value::Events(events)) });
            }
            Err(refusal) => self.refuse(ticket, refusal),
        }
    }

    fn watch_run(&mut self, run_id: &str, watcher: Watcher) -> Result<Option<Vec<Bytes>>, Refusal> {
        let events = self.history(run_id, watcher.after, watcher.limit)?;
        if !events.is_empty() {
            return Ok(Some(events));
        }
        let run = self.shard.state().run_by_id(&self.namespace, run_id);
        // A run whose end is decided but not written yet has more to come.
        let waits =
            run.filter(|run| !run.state().is_terminal() || watcher.after < run.event_count());
        match waits.map(Run::number) {
            Some(run) => {
                self.watchers.of_run.entry(run).or_default().push(watcher);
                Ok(None)
            }
            None => Ok(Some(events)),
        }
    }

    fn watch_all(&mut self, watcher: Watcher) -> Result<Option<Vec<Bytes>>, Refusal> {
        let trimmed = self.log.head()?.trimmed;
        if watcher.after < trimmed {
            return Err(Refusal::new("PF1209", json!({ "position": trimmed })));
        }
        if watcher.is_bounded && self.lag.is_too_far(watcher.after) {
            return Err(Refusal::new("PF1209", json!({ "position": watcher.after })));
        }
        let mut events = Vec::new();
        if watcher.after < self.shard.state().position() {
            let mut left = BTreeMap::new();
            for turn in self.log.read(watcher.after + 1, WATCH_READ_SIZE)? {
                if events.len() >= watcher.limit {
                    break; // A turn is given whole, so that its position says where to go on.
                }
                for event in decode(self.log.as_mut(), &turn.events)? {
                    self.bring_back_to_show(&event, &mut left)?;
                    events.push(self.shown(turn.position, &event, &left));
                }
            }
        }
        if events.is_empty() {
            self.watchers.of_all.push(watcher);
            return Ok(None);
        }
        Ok(Some(events))
    }

    /// An event of a run that has left memory is named by what its history folds into.
    fn bring_back_to_show(&mut self, event: &Event, left: &mut Left) -> Result<(), Refusal> {
        let Some(number) = event.run() else { return Ok(()) };
        if self.shard.state().run(number).is_some() || left.contains_key(&number) {
            return Ok(());
        }
        if let Lookup::Found(row) = self.find_row(RunSelector::Number(number.0))? {
            let positions = (row.first_position, row.last_position);
            let state = fold_run(self.log.as_mut(), self.shard.state(), number, positions)?;
            left.insert(number, state);
        }
        Ok(())
    }

    /// An event as followers of all runs see it.
    fn shown(&self, position: u64, event: &Event, left: &Left) -> Bytes {
        let run = event.run().and_then(|number| {
            let folded = || left.get(&number).and_then(|state| state.run(number));
            self.shard.state().run(number).or_else(folded)
        });
        event_json(run, event, (position, 0)).to_string().into()
    }

    /// Gives the events of a turn to those who wait for them.
    pub(super) fn feed_watchers(&mut self, position: u64, events: &[Event]) {
        let state = self.shard.state();
        let mut out = Vec::new();
        if !self.watchers.of_all.is_empty() {
            let left = Left::new();
            let shown: Vec<Bytes> =
                events.iter().map(|event| self.shown(position, event, &left)).collect();
            for watcher in std::mem::take(&mut self.watchers.of_all) {
                let answer = Ok(Value::Events(shown.clone()));
                out.push(Out::Reply { ticket: watcher.ticket, answer });
            }
        }
        let watched: Vec<RunNumber> = self.watchers.of_run.keys().copied().collect();
        for number in watched {
            let mine: Vec<&Event> = events.iter().filter(|e| e.run() == Some(number)).collect();
            let Some(run) = state.run(number).filter(|_| !mine.is_empty()) else { continue };
            let first = run.event_count() + 1 - mine.len() as u64;
            let shown: Vec<Bytes> = mine
                .iter()
                .zip(first..)
                .map(|(event, sequence)| {
                    Bytes::from(event_json(Some(run), event, (position, sequence)).to_string())
                })
                .collect();
            for watcher in self.watchers.of_run.remove(&number).unwrap_or_default() {
                let answer = Ok(Value::Events(shown.clone()));
                out.push(Out::Reply { ticket: watcher.ticket, answer });
            }
        }
        self.out.extend(out);
    }

    /// The events of a run after a number of its history.
    pub(super) fn history(
        &mut self,
        run_id: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Bytes>, Refusal> {
        let looked = self.look(run_id)?;
        let (number, positions) = (looked.run().number(), looked.run().positions());
        let folded = match looked {
            Looked::Live(_) => None,
            Looked::Folded(state, _) => Some(state),
        };
        let mut found: Vec<(u64, u64, Event)> = Vec::new();
        let mut sequence = 0;
        run_events(self.log.as_mut(), number, positions, |position, event| {
            sequence += 1;
            if sequence > after {
                found.push((position, sequence, event));
            }
            found.len() < limit
        })?;
        let state = folded.as_deref().unwrap_or_else(|| self.shard.state());
        let run = state.run(number);
        let shown = found.iter().map(|(position, sequence, event)| {
            Bytes::from(event_json(run, event, (*position, *sequence)).to_string())
        });
        Ok(shown.collect())
    }
}
