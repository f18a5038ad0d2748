//! What a read model lacks: rows of runs that the log has changed since, and runs that are gone.

use std::collections::{BTreeMap, BTreeSet};

use pyflow_core::ids::RunNumber;
use pyflow_core::state::State;
use pyflow_store::Log;
use pyflow_store::read_model::{ReadModel, RunRow};

use crate::checkpoint;
use crate::fault::Refusal;
use crate::recovery::{Changed, Recovered, fold_run, recover};
use crate::rows::row_of;

/// Bytes of log that are moved to the histories at once while nobody can ask for anything yet.
const REBUILD_SLICE_SIZE: usize = 8 * 1024 * 1024;

/// Rows to be put, runs to be removed, and how many events each turn of the log held.
#[derive(Debug, Default)]
pub(crate) struct Projection {
    pub(crate) rows: BTreeMap<u64, RunRow>,
    pub(crate) gone: Vec<u64>,
    pub(crate) turns: Vec<(u64, u64)>,
}

impl Projection {
    /// Takes in what a turn has changed.
    pub(crate) fn add(&mut self, state: &State, changed: Changed) {
        self.turns.push((changed.position, changed.event_count));
        let rows = changed.runs.iter().filter_map(|run| state.run(*run)).map(row_of);
        self.rows.extend(rows.map(|row| (row.run, row)));
        for number in changed.forgotten {
            self.rows.remove(&number);
            self.gone.push(number);
        }
    }

    /// Brings a read model up to a position, which is durable: the owner's opening has synced it.
    pub(crate) fn write_to(&self, model: &mut ReadModel, position: u64) -> Result<(), Refusal> {
        if !self.gone.is_empty() {
            model.remove(&self.gone)?;
        }
        model.apply(self.rows.values(), position, position)?;
        Ok(())
    }
}

/// Folds the log, and gives what a read model at `applied` does not have.
pub(crate) fn fold_with_rows(
    log: &mut dyn Log,
    applied: u64,
) -> Result<(Recovered, Projection), Refusal> {
    let mut projection = Projection::default();
    let recovered = recover(log, |state, changed| {
        if changed.position > applied {
            projection.add(state, changed);
        } else {
            projection.turns.push((changed.position, changed.event_count));
        }
    })?;
    let head = log.head()?;
    if applied < head.checkpoint.max(head.trimmed) {
        // The model was lost, and part of what it is made from was not folded: it stands before the
        // checkpoint, or has moved to the histories.
        add_ended(log, &recovered.state, &mut projection)?;
    }
    Ok((recovered, projection))
}

/// Adds every run that the log does not show as changed: from memory, or folded from its history.
fn add_ended(log: &mut dyn Log, state: &State, projection: &mut Projection) -> Result<(), Refusal> {
    // All that lies behind the checkpoint has been folded. What an owner finds before it is moved to
    // the histories first: the log is searched for each run.
    let last = log.head()?.checkpoint;
    if log.epoch() > 0 {
        // Where there is no room for that, as on a full disk, it takes longer and is right all the same.
        while checkpoint::trim(log, last, REBUILD_SLICE_SIZE).unwrap_or(false) {}
    }
    let mut settled: BTreeSet<u64> = log.forgotten()?.into_iter().collect();
    settled.extend(&projection.gone);
    settled.extend(projection.rows.keys());
    for number in (1..state.next_run().0).filter(|number| !settled.contains(number)) {
        let run = RunNumber(number);
        let row = match state.run(run) {
            Some(live) => Some(row_of(live)),
            None => fold_run(log, state, run, (1, last))?.run(run).map(row_of),
        };
        projection.rows.extend(row.map(|row| (row.run, row)));
    }
    Ok(())
}
