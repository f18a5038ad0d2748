//! A reader beside a live owner: it follows the log and answers looks, nothing else.

use std::collections::BTreeSet;

use pyflow_core::ids::RunNumber;
use pyflow_core::state::State;
use pyflow_store::read_model::{ListFilter, RunRow};
use serde_json::{Value, json};

use super::ring::Driver;
use crate::fault::Refusal;
use crate::recovery::{Recovered, fold};
use crate::request::Request;
use crate::rows::row_of;

impl Driver {
    /// Answers all that was asked from what the log holds now.
    pub(super) fn look_only(&mut self) {
        match self.catch_up() {
            Ok(true) => self.ask_again(),
            Ok(false) => {}
            Err(refusal) => self.fault = Some(refusal),
        }
        while let Some(request) = self.backlog.pop_front() {
            self.take_look(request);
        }
        let now = self.now();
        self.take_looks(now);
        self.speak();
    }

    fn take_look(&mut self, request: Request) {
        let now = self.now();
        let is_look = matches!(request, Request::Look { .. });
        match request.ticket() {
            Some(ticket) if !is_look => {
                let message =
                    "this engine was opened to read; open the store as its owner to write";
                self.refuse(ticket, Refusal::new("PF2005", json!({ "message": message })));
            }
            Some(_) | None => self.take(request, now),
        }
    }

    /// Applies what the owner has written since the last look.
    fn catch_up(&mut self) -> Result<bool, Refusal> {
        let head = self.log.head()?;
        let known = self.shard.state().position();
        if head.position == known {
            return Ok(false);
        }
        let behind = known < head.trimmed;
        let state = std::mem::take(self.shard.state_mut());
        let start = if behind { None } else { Some(state) };
        let mut rows: Vec<RunRow> = Vec::new();
        let Recovered { state, .. } =
            fold(self.log.as_mut(), start, |state: &State, runs: &BTreeSet<RunNumber>| {
                rows.extend(runs.iter().filter_map(|run| state.run(*run)).map(row_of));
            })?;
        *self.shard.state_mut() = state;
        self.rows.extend(rows.into_iter().map(|row| (row.run, row)));
        Ok(true)
    }

    /// Those who wait are looked after again: something has been written since.
    fn ask_again(&mut self) {
        let watchers = std::mem::take(&mut self.watchers);
        for watcher in watchers.of_all {
            self.watch(watcher.ticket, None, watcher.after, watcher.limit);
        }
        for (run, watchers) in watchers.of_run {
            let Some(run_id) = self.run_id_of(run) else { continue };
            for watcher in watchers {
                self.watch(watcher.ticket, Some(&run_id), watcher.after, watcher.limit);
            }
        }
        for (run, tickets) in std::mem::take(&mut self.waiters) {
            let Some(run_id) = self.run_id_of(run) else { continue };
            for ticket in tickets {
                self.wait_result(ticket, &run_id);
            }
        }
    }

    fn run_id_of(&self, run: RunNumber) -> Option<String> {
        let live = self.shard.state().run(run).map(|run| run.run_id().to_string());
        live.or_else(|| self.rows.get(&run.0).map(|row| row.run_id.clone()))
    }

    /// Whether anyone waits for what the owner writes next.
    pub(super) fn is_waited_on(&self) -> bool {
        !self.watchers.is_empty() || !self.waiters.is_empty()
    }

    /// Puts the rows that only the log has yet in the place of those that the read model gave.
    pub(super) fn overlay(&self, listed: Vec<RunRow>, filter: &ListFilter) -> Vec<RunRow> {
        let limit = filter.limit as usize;
        let mut rows: Vec<RunRow> =
            listed.into_iter().filter(|row| !self.rows.contains_key(&row.run)).collect();
        rows.extend(self.rows.values().filter(|row| fits(row, filter)).cloned());
        rows.sort_by_key(|row| std::cmp::Reverse(row.run));
        rows.truncate(limit);
        rows
    }
}

fn fits(row: &RunRow, filter: &ListFilter) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
    row.namespace == filter.namespace
        && is(&filter.status, &row.status)
        && is(&filter.definition, &row.definition)
        && filter.created_by.as_ref().is_none_or(|by| row.created_by.as_ref() == Some(by))
        && filter.cursor.is_none_or(|cursor| row.run < cursor)
        && (filter.metadata.is_empty() || has_metadata(row, filter))
}

fn has_metadata(row: &RunRow, filter: &ListFilter) -> bool {
    let json = row.metadata.as_deref().unwrap_or("null");
    let found: Value = serde_json::from_str(json).unwrap_or(Value::Null);
    filter.metadata.iter().all(|(name, wanted)| {
        let shown = found[name].to_string();
        found[name].as_str().unwrap_or(&shown) == wanted
    })
}
