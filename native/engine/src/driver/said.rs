//! What tasks say while they run: their logs, and how far they are.

use pyflow_core::command::LeaseRef;
use pyflow_core::event::{Event, TaskSaid};
use pyflow_core::history::line_json;
use pyflow_core::ids::InstanceIndex;
use pyflow_core::state::{Phase, Run};
use serde_json::{Value, json};

use super::look::Looked;
use super::queries::find;
use super::ring::Driver;
use crate::fault::Refusal;
use crate::recovery::run_events;

impl Driver {
    /// The lines of a run's log behind the one of this number, the oldest first: of all its tasks,
    /// or of one; of a map, those of its items.
    pub(super) fn logs(
        &mut self,
        run_id: &str,
        task_id: Option<&str>,
        after: u64,
        limit: usize,
    ) -> Result<Value, Refusal> {
        let (number, positions, wanted, folded) = {
            let looked = self.look(run_id)?;
            let run = looked.run();
            let wanted = task_id.map(|task_id| find(run, task_id)).transpose()?;
            let (number, positions) = (run.number(), run.positions());
            let folded = match looked {
                Looked::Live(_) => None,
                Looked::Folded(state, _) => Some(state),
            };
            (number, positions, wanted, folded)
        };
        let state = folded.as_deref().unwrap_or_else(|| self.shard.state());
        let run = state.run(number).expect("it was looked up just now");
        let (mut line_number, mut shown) = (0, Vec::new());
        run_events(self.log.as_mut(), number, positions, |_, event| {
            let Event::TaskSaid(said) = event else { return true };
            let is_wanted = wanted.is_none_or(|task| is_of(run, said.instance, task));
            for line in &said.lines {
                line_number += 1;
                if is_wanted && line_number > after && shown.len() < limit {
                    let mut line = line_json(line);
                    name_line(&mut line, run, &said, line_number);
                    shown.push(line);
                }
            }
            shown.len() < limit
        })?;
        Ok(shown.into())
    }

    /// A task as it is shown, with how far its attempt has said that it is.
    pub(super) fn with_progress(&self, mut task: Value, lease: Option<LeaseRef>) -> Value {
        let sessions = self.shard.sessions();
        let holder = lease.and_then(|lease| sessions.holder(lease));
        let held = holder.and_then(|(session, handle)| sessions.find(session, handle));
        if let Some(progress) = held.and_then(|held| held.progress.as_ref()) {
            task["progress"] = serde_json::from_slice(progress).unwrap_or(Value::Null);
        }
        task
    }
}

/// The lease by which a worker holds an instance.
pub(super) fn lease_of(run: &Run, instance: InstanceIndex) -> Option<LeaseRef> {
    let active = run.active(instance)?;
    let is_leased = matches!(active.phase, Phase::Leased { .. });
    is_leased.then_some(LeaseRef { run: run.number(), instance, grant: active.grant })
}

fn is_of(run: &Run, instance: InstanceIndex, task: InstanceIndex) -> bool {
    instance == task || run.item_of(instance).is_some_and(|(parent, _)| parent == task)
}

fn name_line(line: &mut Value, run: &Run, said: &TaskSaid, number: u64) {
    line["number"] = number.into();
    line["task_id"] = run.instance_id(said.instance).into();
    line["index"] = json!(run.item_of(said.instance).map(|(_, index)| index));
    line["attempt"] = said.attempt.into();
}
