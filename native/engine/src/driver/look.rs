//! Finding a run that is asked about: in memory, in the read model, or folded from its history.

use std::collections::BTreeSet;

use pyflow_core::ids::RunNumber;
use pyflow_core::lifecycle::RunState;
use pyflow_core::rejection::Rejection;
use pyflow_core::state::{Run, State};
use pyflow_store::read_model::{Lookup, RunRow, RunSelector};

use super::queries::find;
use super::ring::Driver;
use crate::fault::Refusal;
use crate::recovery::fold_run;

/// A run to look at.
pub(super) enum Looked<'a> {
    Live(&'a Run),
    Folded(Box<State>, RunNumber),
}

impl Looked<'_> {
    pub(super) fn run(&self) -> &Run {
        match self {
            Self::Live(run) => run,
            Self::Folded(state, number) => state.run(*number).expect("it was folded just now"),
        }
    }
}

impl Driver {
    /// The row of a run by its id.
    pub(super) fn row(&mut self, run_id: &str) -> Result<RunRow, Refusal> {
        match self.find_row(RunSelector::Id(run_id))? {
            Lookup::Found(row) => Ok(*row),
            Lookup::Unknown | Lookup::Ambiguous(_) => Err(Refusal::run_unknown(run_id)),
        }
    }

    /// The row that is meant, those that only the log has yet among them.
    pub(super) fn find_row(&mut self, selector: RunSelector<'_>) -> Result<Lookup, Refusal> {
        self.project();
        let kept = match self.model.get(&self.namespace, selector)? {
            Lookup::Found(row) if self.pruning.gone.contains(&row.run) => Lookup::Unknown,
            kept @ (Lookup::Found(_) | Lookup::Ambiguous(_) | Lookup::Unknown) => kept,
        };
        let mine = self.rows.values().filter(|row| *row.namespace == *self.namespace);
        let found = match selector {
            RunSelector::Id(id) => mine.rev().find(|row| row.run_id == id),
            RunSelector::Key(key) => mine.rev().find(|row| row.key.as_deref() == Some(key)),
            RunSelector::Number(number) => self.rows.get(&number),
            RunSelector::Latest => {
                let kept_number = if let Lookup::Found(row) = &kept { row.run } else { 0 };
                mine.last().filter(|row| row.run >= kept_number)
            }
            RunSelector::Prefix(prefix) => {
                let near = mine.filter(|row| row.run_id.starts_with(prefix));
                return Ok(with_near(prefix, kept, &near.collect::<Vec<_>>()));
            }
        };
        Ok(found.map_or(kept, |row| Lookup::Found(Box::new(row.clone()))))
    }

    /// A run by its id, wherever it is.
    pub(super) fn look(&mut self, run_id: &str) -> Result<Looked<'_>, Refusal> {
        if let Some(number) = self.live_number(run_id) {
            let run = self.shard.state().run(number).expect("its number was found just now");
            return Ok(Looked::Live(run));
        }
        let row = self.row(run_id)?;
        let (number, positions) = (RunNumber(row.run), (row.first_position, row.last_position));
        let folded = fold_run(self.log.as_mut(), self.shard.state(), number, positions)?;
        match folded.run(number) {
            Some(_) => Ok(Looked::Folded(Box::new(folded), number)),
            None => Err(Refusal::run_unknown(run_id)),
        }
    }

    /// The number of a run in memory, which may have ended just now.
    pub(super) fn live_number(&self, run_id: &str) -> Option<RunNumber> {
        self.shard.state().run_by_id(&self.namespace, run_id).map(Run::number)
    }

    /// Makes an ended run live again, so that it can be recovered.
    pub(super) fn bring_back(&mut self, run_id: &str, task: Option<&str>) -> Result<(), Refusal> {
        let (folded, number) = match self.look(run_id)? {
            Looked::Live(_) => return Ok(()),
            Looked::Folded(state, number) => (*state, number),
        };
        if let Some(run) = folded.run(number)
            && run.state() != RunState::Failed
        {
            if let Some(task_id) = task {
                let instance = find(run, task_id)?;
                let state = run.task_state(instance).expect("it was found just now");
                let wanted = "only a failed task can be recovered";
                let (run_id, task_id) = (run.run_id().clone(), task_id.to_string());
                return Err(Rejection::TaskStateRefused { run_id, task_id, state, wanted }.into());
            }
            let state = run.state().name();
            let message = format!("run {run_id} is {state}; only a failed run can be recovered");
            let fields = serde_json::json!({"run_id": run_id, "state": state, "message": message});
            return Err(Refusal::new("PF1104", fields));
        }
        self.shard.state_mut().readmit(folded, number);
        Ok(())
    }
}

/// What a prefix means among what the read model found and rows whose ids begin with it.
fn with_near(prefix: &str, kept: Lookup, near: &[&RunRow]) -> Lookup {
    if let Some(row) = near.iter().find(|row| row.run_id == prefix) {
        return Lookup::Found(Box::new((*row).clone()));
    }
    let mut ids: BTreeSet<String> = near.iter().map(|row| row.run_id.clone()).collect();
    match &kept {
        Lookup::Found(row) if row.run_id == prefix => return kept,
        Lookup::Found(row) => drop(ids.insert(row.run_id.clone())),
        Lookup::Ambiguous(more) => ids.extend(more.iter().cloned()),
        Lookup::Unknown => {}
    }
    match near.first() {
        Some(row) if ids.len() == 1 => Lookup::Found(Box::new((*row).clone())),
        Some(_) => Lookup::Ambiguous(ids.into_iter().collect()),
        None => kept,
    }
}
