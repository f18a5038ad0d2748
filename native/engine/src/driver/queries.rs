//! Looks at what is: JSON in the shapes of `pyflow/read_model.py`.

use std::collections::BTreeMap;

use bytes::Bytes;
use pyflow_core::command::LeaseRef;
use pyflow_core::event::Event;
use pyflow_core::history::{error_json, payload_json};
use pyflow_core::ids::{DefinitionHash, InstanceIndex, TaskIndex};
use pyflow_core::lifecycle::TaskState;
use pyflow_core::rejection::Rejection;
use pyflow_core::state::{Ending, Run};
use pyflow_core::time::Millis;
use pyflow_store::read_model::{ListFilter, Lookup, RunSelector};
use serde_json::{Value, json};

use super::look::Looked;
use super::ring::Driver;
use super::said::lease_of;
use crate::checkpoint;
use crate::fault::{Refusal, failures_json};
use crate::out::Value as Answer;
use crate::request::{ListRuns, Query};
use crate::rows::{row_json, row_of};

/// Tasks of a run's path that are shown.
const PATH_COUNT_MAX: usize = 1_000;

impl Driver {
    pub(super) fn query(&mut self, query: Query, now: Millis) -> Result<Answer, Refusal> {
        let json = match query {
            Query::Status { run_id } => self.status(&run_id)?,
            Query::Tasks { run_id, task_id, state, limit } => {
                self.tasks(&run_id, task_id.as_deref(), state.as_deref(), limit)?
            }
            Query::TaskResult { run_id, task_id } => self.task_result(&run_id, &task_id)?,
            Query::Explain { run_id, task_id } => self.explain(&run_id, task_id.as_deref(), now)?,
            Query::History { run_id, after, limit } => {
                let events = self.history(&run_id, after, limit)?;
                return Ok(Answer::Json(joined(&events)));
            }
            Query::Logs { run_id, task_id, after, limit } => {
                self.logs(&run_id, task_id.as_deref(), after, limit)?
            }
            Query::ListRuns(wanted) => self.list_runs(*wanted)?,
            Query::FindRun { text } => self.find_run(&text)?,
            Query::Definitions => self.definitions(),
            Query::Definition { name, version } => {
                return self.definition(&name, version.as_deref()).map(Answer::Stored);
            }
            Query::DefinitionOfHash { hash } => {
                return self.definition_of_hash(hash).map(Answer::Stored);
            }
            Query::Position => return Ok(self.released_position()),
            Query::Metrics => self.metrics(),
            Query::Doctor => self.doctor()?,
            Query::Backup { path } => {
                json!({ "position": self.log.backup(std::path::Path::new(&path))? })
            }
        };
        Ok(Answer::Json(json.to_string().into()))
    }

    pub(super) fn released_position(&self) -> Answer {
        Answer::Json(json!({ "position": self.released }).to_string().into())
    }

    fn status(&mut self, run_id: &str) -> Result<Value, Refusal> {
        let path = self.path(run_id)?;
        let looked = self.look(run_id)?;
        let run = looked.run();
        let mut shown = row_json(&row_of(run));
        shown["task_counts"] = counts(run);
        shown["path"] = path.into();
        shown["errors"] = failures_json(run).into();
        Ok(shown)
    }

    /// The tasks that have been begun, in order.
    fn path(&mut self, run_id: &str) -> Result<Vec<String>, Refusal> {
        let looked = self.look(run_id)?;
        let (number, positions) = (looked.run().number(), looked.run().positions());
        let folded = match looked {
            Looked::Live(_) => None,
            Looked::Folded(state, _) => Some(state),
        };
        let mut begun: Vec<InstanceIndex> = Vec::new();
        crate::recovery::run_events(self.log.as_mut(), number, positions, |_, event| {
            let begins = matches!(
                event.kind(),
                "TaskLeased" | "TaskCompleted" | "DecisionTaken" | "GatewayPassed" | "TimerStarted"
            );
            if let Some(instance) = event.instance().filter(|_| begins)
                && !begun.contains(&instance)
            {
                begun.push(instance);
            }
            begun.len() < PATH_COUNT_MAX
        })?;
        let state = folded.as_deref().unwrap_or_else(|| self.shard.state());
        let run = state.run(number).expect("it was looked up just now");
        Ok(begun.into_iter().map(|instance| run.instance_id(instance)).collect())
    }

    fn tasks(
        &mut self,
        run_id: &str,
        task_id: Option<&str>,
        state: Option<&str>,
        limit: usize,
    ) -> Result<Value, Refusal> {
        let looked = self.look(run_id)?;
        let run = looked.run();
        let instances: Vec<InstanceIndex> = match task_id {
            Some(task_id) => vec![find(run, task_id)?],
            None => (0..run.instance_count() as u32).map(InstanceIndex).collect(),
        };
        let wanted = |instance: &InstanceIndex| {
            state.is_none_or(|state| run.task_state(*instance).is_some_and(|s| s.name() == state))
        };
        let shown = instances.into_iter().filter(wanted).take(limit);
        let shown: Vec<(Value, Option<LeaseRef>)> =
            shown.map(|instance| (task_json(run, instance), lease_of(run, instance))).collect();
        let shown = shown.into_iter().map(|(task, lease)| self.with_progress(task, lease));
        Ok(shown.collect::<Vec<Value>>().into())
    }

    fn task_result(&mut self, run_id: &str, task_id: &str) -> Result<Value, Refusal> {
        let instance = {
            let looked = self.look(run_id)?;
            let run = looked.run();
            let instance = find(run, task_id)?;
            let state = run.task_state(instance).expect("it was found just now");
            if state != TaskState::Completed {
                let wanted = "only a completed task has an output";
                let (run_id, task_id) = (run_id.into(), task_id.to_string());
                return Err(Rejection::TaskStateRefused { run_id, task_id, state, wanted }.into());
            }
            instance
        };
        self.output(run_id, instance)
    }

    /// The output of an instance that has completed: where its readers have let go of it, the history
    /// still has it, or what it was made of.
    fn output(&mut self, run_id: &str, instance: InstanceIndex) -> Result<Value, Refusal> {
        let looked = self.look(run_id)?;
        let run = looked.run();
        if let Some(output) = run.output(instance) {
            return Ok(payload_json(output));
        }
        let (number, positions) = (run.number(), run.positions());
        let definition = run.definition().clone();
        if run.ending(instance) == Some(Ending::Mended)
            && let Some(handler) = definition.handler(run.task_of(instance))
        {
            return self.output(run_id, handler.task.instance()); // It stands in.
        }
        let map = run.map(instance).map(|map| map.instance(0)..map.instance(map.count));
        let parts = map.clone().unwrap_or(instance..InstanceIndex(instance.0 + 1));
        let mut outputs: BTreeMap<InstanceIndex, Value> = BTreeMap::new();
        let (mut source, mut chosen) = (None, None);
        crate::recovery::run_events(self.log.as_mut(), number, positions, |_, event| {
            if let Event::TaskCompleted(done) = &event
                && parts.contains(&done.instance)
            {
                outputs.insert(done.instance, payload_json(&done.output));
            } else if let Event::MapExpanded(expanded) = &event
                && expanded.instance == instance
            {
                outputs.insert(instance, json!([])); // A map that has items is made of those.
            } else if let Event::GatewayPassed(passed) = &event
                && passed.instance == instance
            {
                source = passed.from;
            } else if let Event::DecisionTaken(taken) = &event
                && taken.instance == instance
            {
                chosen = Some(taken.branch as usize);
            }
            true
        })?;
        if let Some(items) = map {
            let of_item = |item| outputs.remove(&InstanceIndex(item)).unwrap_or_default();
            return Ok((items.start.0..items.end.0).map(of_item).collect::<Vec<Value>>().into());
        }
        if let Some(branch) = chosen {
            let branches = definition.branches(TaskIndex(instance.0));
            let targets = branches.get(branch).map_or(&[][..], |branch| &branch.targets);
            let ids: Vec<&str> = targets.iter().map(|task| definition.id(*task)).collect();
            return Ok(json!({ "next_task": ids }));
        }
        match source {
            Some(source) => self.output(run_id, source.instance()),
            None => Ok(outputs.remove(&instance).unwrap_or_default()),
        }
    }

    fn explain(
        &mut self,
        run_id: &str,
        task_id: Option<&str>,
        now: Millis,
    ) -> Result<Value, Refusal> {
        let folded = match self.look(run_id)? {
            Looked::Live(_) => None,
            Looked::Folded(state, number) => Some((state, number)),
        };
        let run = match &folded {
            None => self.shard.state().run_by_id(&self.namespace, run_id),
            Some((state, number)) => state.run(*number),
        };
        let run = run.expect("it was looked up just now");
        let instance = task_id.map(|task_id| find(run, task_id)).transpose()?;
        Ok(self.shard.explain(run, instance, now))
    }

    fn list_runs(&mut self, wanted: ListRuns) -> Result<Value, Refusal> {
        self.project();
        let filter = ListFilter {
            namespace: self.namespace.to_string(),
            status: wanted.status,
            definition: wanted.definition,
            created_by: wanted.created_by,
            metadata: wanted.metadata,
            limit: wanted.limit as u32,
            cursor: wanted.cursor.and_then(|cursor| cursor.parse().ok()),
        };
        let page = if self.rows.is_empty() && self.pruning.gone.is_empty() {
            self.model.list(&filter)?
        } else {
            self.list_with_news(&filter)?
        };
        let runs: Vec<Value> = page.rows.iter().map(row_json).collect();
        Ok(json!({ "runs": runs, "cursor": page.next.map(|next| next.to_string()) }))
    }

    fn find_run(&mut self, text: &str) -> Result<Value, Refusal> {
        let selector = match text {
            "@last" => RunSelector::Latest,
            prefix => RunSelector::Prefix(prefix),
        };
        match self.find_row(selector)? {
            Lookup::Found(row) => Ok(json!({ "run_ids": [row.run_id] })),
            Lookup::Ambiguous(ids) => Ok(json!({ "run_ids": ids })),
            Lookup::Unknown => Ok(json!({ "run_ids": [] })),
        }
    }

    fn definitions(&self) -> Value {
        let state = self.shard.state();
        let mut shown = Vec::new();
        for (name, deployed) in state.all_deployed(&self.namespace) {
            for each in deployed {
                let definition = state.definition(&each.definition);
                shown.push(json!({
                    "name": &**name,
                    "version": each.version.as_deref(),
                    "hash": each.definition.to_string(),
                    "task_count": definition.map_or(0, |d| d.task_count()),
                    "deployed_at": each.at.0,
                }));
            }
        }
        shown.into()
    }

    /// The stored form of a definition: what is made of it anew has the same hash.
    fn definition(&mut self, name: &str, version: Option<&str>) -> Result<Bytes, Refusal> {
        let state = self.shard.state();
        let deployed = state.deployed(&self.namespace, name);
        let found = match version {
            None => deployed.last(),
            Some(_) => deployed.iter().find(|each| each.version.as_deref() == version),
        };
        let hash = found.map(|found| found.definition).ok_or_else(|| {
            let wanted = version.map_or(name.to_string(), |version| format!("{name} {version}"));
            let hint = String::new();
            Refusal::from(Rejection::DefinitionUnknown { wanted, hint })
        })?;
        self.definition_of_hash(hash)
    }

    fn definition_of_hash(&mut self, hash: DefinitionHash) -> Result<Bytes, Refusal> {
        checkpoint::stored_definition(self.log.as_mut(), hash)
    }

    /// Walks everything that is stored, and compares the read model with the log.
    fn doctor(&mut self) -> Result<Value, Refusal> {
        self.project();
        let head = self.log.head()?;
        let report = self.log.verify()?;
        let mut differing = Vec::new();
        let live: Vec<_> = self.shard.state().runs().map(row_of).collect();
        for row in live {
            let selector = RunSelector::Id(&row.run_id);
            let found = self.model.get(&self.namespace, selector)?;
            let agrees = matches!(found, Lookup::Found(found) if found.status == row.status);
            let is_behind = self.rows.contains_key(&row.run); // As it may be, for a moment.
            if !agrees && !is_behind {
                differing.push(row.run_id);
            }
        }
        Ok(json!({
            "position": head.position,
            "trimmed": head.trimmed,
            "checkpoint": head.checkpoint,
            "read_model_position": self.model.position()?,
            "turns": report.turns,
            "blobs": report.blobs,
            "snapshots": report.snapshots,
            "history_chunks": report.history_chunks,
            "wal_frames": report.wal_frames,
            "runs_that_differ": differing,
        }))
    }

    fn metrics(&self) -> Value {
        let [high, normal, low] = self.shard.queues().depths();
        let counts = &self.counts;
        json!({
            // Ended ones leave memory a little later.
            "runs_live": self.shard.state().runs().filter(|run| !run.state().is_terminal()).count(),
            "runs_started": counts.runs_started,
            "runs_ended": counts.runs_ended,
            "grants": counts.grants,
            "turns": counts.turns,
            "events": counts.events,
            "log_size": counts.log_size,
            "position": self.shard.state().position(),
            "queued_high": high,
            "queued_normal": normal,
            "queued_low": low,
            "held_back": self.shard.queues().held_back_count(),
            "timers": self.shard.timers().len(),
        })
    }
}

pub(super) fn find(run: &Run, task_id: &str) -> Result<InstanceIndex, Refusal> {
    run.find_instance(task_id).ok_or_else(|| {
        let ids = run.definition().tasks().map(|task| run.definition().id(task));
        let hint = pyflow_core::names::closest(task_id, ids)
            .map_or(String::new(), |near| format!("; did you mean {near}?"));
        let (run_id, task_id) = (run.run_id().clone(), task_id.to_string());
        Rejection::TaskUnknown { run_id, task_id, hint }.into()
    })
}

fn counts(run: &Run) -> Value {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for index in 0..run.instance_count() as u32 {
        let state = run.task_state(InstanceIndex(index)).expect("the index is one of the run's");
        *counts.entry(state.name()).or_default() += 1;
    }
    json!(counts)
}

fn task_json(run: &Run, instance: InstanceIndex) -> Value {
    let task = run.task_of(instance);
    let state = run.task_state(instance).expect("it is one of the run's");
    let failure = run.failure(instance).filter(|failure| !failure.recovered);
    let attempt = run.active(instance).map(|active| active.attempt);
    let attempt = attempt.or(failure.map(|failure| failure.attempt));
    let attempt = attempt.or(run.last_attempt(instance));
    let last_error = run.active(instance).and_then(|active| active.error.as_deref());
    let error = failure.map(|failure| &*failure.error).or(last_error);
    let is_begun = state != TaskState::Pending && state != TaskState::Skipped;
    json!({
        "task_id": run.instance_id(instance),
        "index": run.item_of(instance).map(|(_, index)| index),
        "task_type": &**run.definition().task_type(task),
        "state": state.name(),
        "attempt": attempt.unwrap_or(u32::from(is_begun)),
        "error": error.map(error_json),
    })
}

/// A list of JSON texts as one JSON list.
fn joined(texts: &[Bytes]) -> Bytes {
    let mut list = Vec::with_capacity(2 + texts.iter().map(|text| text.len() + 1).sum::<usize>());
    list.push(b'[');
    for (place, text) in texts.iter().enumerate() {
        if place > 0 {
            list.push(b',');
        }
        list.extend_from_slice(text);
    }
    list.push(b']');
    list.into()
}
