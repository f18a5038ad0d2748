//! A reader beside a live owner: it follows the log and answers looks, nothing else.

use pyflow_core::ids::RunNumber;
use pyflow_core::state::State;
use pyflow_store::StoreFault;
use pyflow_store::read_model::{ListFilter, ListPage, RunRow};
use serde_json::Value;

use super::ring::Driver;
use crate::fault::Refusal;
use crate::projection::{Projection, fold_with_rows};
use crate::recovery::{Changed, fold};
use crate::request::Request;

impl Driver {
    /// Answers all that was asked from what the log holds now.
    pub(super) fn look_only(&mut self) {
        let caught_up = self.catch_up();
        self.fault = caught_up.as_ref().err().cloned();
        if caught_up == Ok(true) {
            self.ask_again();
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
            Some(ticket) if !is_look => self.refuse(ticket, Refusal::read_only()),
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
        let (recovered, projection) = if behind {
            fold_with_rows(self.log.as_mut(), self.model.position()?)?
        } else {
            let mut projection = Projection::default();
            let add = |state: &State, changed: Changed| projection.add(state, changed);
            (fold(self.log.as_mut(), Some(state), add)?, projection)
        };
        *self.shard.state_mut() = recovered.state;
        self.released = self.shard.state().position();
        self.note_lag(&projection.turns);
        self.keep_projection(projection);
        // What the owner's read model has by now needs no row beside it.
        let applied = self.model.position()?;
        self.rows.retain(|_, row| row.last_position > applied);
        self.pruning.gone.retain(|_| applied < self.released);
        self.project();
        Ok(true)
    }

    /// Those who wait are looked after again: something has been written since.
    fn ask_again(&mut self) {
        let watchers = std::mem::take(&mut self.watchers);
        for watcher in watchers.of_all {
            self.watch(None, watcher);
        }
        for (run, watchers) in watchers.of_run {
            let Some(run_id) = self.run_id_of(run) else { continue };
            for watcher in watchers {
                self.watch(Some(&run_id), watcher);
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
        !self.watchers.is_empty() || !self.waiters.is_empty() || !self.early.is_empty()
    }

    /// Whether the log knows better than a row of the read model.
    fn is_replaced(&self, row: &RunRow) -> bool {
        self.rows.contains_key(&row.run) || self.pruning.gone.contains(&row.run)
    }

    /// A page of the read model with the rows that only the log has yet in the place of its own. Rows that
    /// are replaced leave room, which the next ones fill: none is passed over.
    pub(super) fn list_with_news(&self, filter: &ListFilter) -> Result<ListPage, StoreFault> {
        let limit = filter.limit as usize;
        let (mut rows, mut from) = (Vec::new(), filter.clone());
        loop {
            let page = self.model.list(&from)?;
            rows.extend(page.rows.into_iter().filter(|row| !self.is_replaced(row)));
            from.cursor = page.next;
            if page.next.is_none() || rows.len() > limit {
                break;
            }
        }
        rows.extend(self.rows.values().filter(|row| fits(row, filter)).cloned());
        rows.sort_by_key(|row| std::cmp::Reverse(row.run));
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|row| row.run);
        Ok(ListPage { rows, next })
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
