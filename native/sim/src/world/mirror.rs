//! The state that the log folds into, by the core's own `apply`, beside the live one.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::codec::{DecodeError, Reader, Stored};
use pyflow_core::definition::Definition;
use pyflow_core::event::Event;
use pyflow_core::ids::{DefinitionHash, RunNumber};
use pyflow_core::state::State;

use crate::disk::KeptTurn;

/// Reads the events of a turn.
pub(crate) fn decoded(
    bytes: &[u8],
    blobs: &BTreeMap<[u8; 32], Bytes>,
) -> Result<Vec<Event>, DecodeError> {
    let known = |hash: &[u8]| blobs.get(hash).cloned();
    let mut reader = Reader::with_blobs(bytes, &known);
    let mut events = Vec::new();
    while !reader.is_empty() {
        events.push(Event::read(&mut reader)?);
    }
    Ok(events)
}

/// A fold from the first turn on, with all that it was made from.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) state: State,
    pub(crate) blobs: BTreeMap<[u8; 32], Bytes>,
    turns: Vec<(u64, Vec<Event>)>,
    pub(crate) definitions: BTreeMap<DefinitionHash, Arc<Definition>>,
}

impl Mirror {
    /// The same with an empty log.
    pub(crate) fn emptied(&self) -> Self {
        Self { definitions: self.definitions.clone(), ..Self::default() }
    }

    /// Reads a turn with what is kept beside it.
    pub(crate) fn read(&mut self, turn: &KeptTurn) -> Result<Vec<Event>, DecodeError> {
        self.blobs.extend(turn.blobs.iter().cloned());
        decoded(&turn.events, &self.blobs)
    }

    /// Makes a turn part of the state.
    pub(crate) fn fold(&mut self, position: u64, events: Vec<Event>) {
        let Some(first) = events.first() else { return };
        self.state.begin_turn_with(position, first);
        for event in &events {
            if let Event::DefinitionDeployed(deployed) = event
                && let Some(definition) = self.definitions.get(&deployed.definition)
            {
                self.state.learn(definition.clone());
            }
            if let Event::RunReopened(reopened) = event
                && self.state.run(reopened.run).is_none()
            {
                let folded = self.fold_run(reopened.run);
                self.state.readmit(folded, reopened.run);
            }
            self.state.apply(event);
        }
        self.state.take_moves();
        self.turns.push((position, events));
    }

    /// The digest of the state without the runs that ended in the last turn: a checkpoint lets go
    /// of them, and without one the next turn does.
    pub(crate) fn digest_without_ended(&self) -> [u8; 32] {
        let mut again = self.emptied();
        for (position, events) in &self.turns {
            again.fold(*position, events.clone());
        }
        again.state.retire_ended();
        again.state.digest()
    }

    /// One run alone, as far as it is known.
    fn fold_run(&self, run: RunNumber) -> State {
        let mut state = State::default();
        for (position, events) in &self.turns {
            for event in events.iter().filter(|event| event.run() == Some(run)) {
                if let Event::RunCreated(created) = event
                    && let Some(definition) = self.definitions.get(&created.definition)
                {
                    state.learn(definition.clone());
                }
                state.move_to(*position);
                state.apply(event);
            }
        }
        state.take_moves();
        state
    }
}
