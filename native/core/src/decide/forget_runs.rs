//! Forget runs that ended long ago.

use crate::command::{EndedRun, ForgetRuns};
use crate::event::{Event, RunsForgotten};
use crate::state::State;
use crate::time::Millis;

/// A run that is live, or that its idempotency key still stands for, is left out.
pub(super) fn decide(state: &State, command: &ForgetRuns, now: Millis) -> Vec<Event> {
    let free = command.runs.iter().filter(|ended| may_be_forgotten(state, ended, now));
    let runs: Vec<_> =
        free.map(|ended| (ended.run, (ended.namespace.clone(), ended.run_id.clone()))).collect();
    if runs.is_empty() {
        return Vec::new();
    }
    vec![RunsForgotten { runs, at: now }.into()]
}

fn may_be_forgotten(state: &State, ended: &EndedRun, now: Millis) -> bool {
    let key = ended.key.as_ref().and_then(|key| state.key(&ended.namespace, key));
    let is_held = key.is_some_and(|key| {
        key.run == ended.run && key.expires_at.is_none_or(|free_at| free_at > now)
    });
    state.run(ended.run).is_none() && !is_held
}
