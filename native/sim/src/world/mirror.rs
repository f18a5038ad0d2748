//! The state that the log folds into, by the core's own `apply`, beside the live one.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::codec::{DecodeError, Reader, Stored};
use pyflow_core::definition::Definition;
use pyflow_core::event::Event;
use pyflow_core::ids::{DefinitionHash, RunNumber};
use pyflow_core::payload::Payload;
use pyflow_core::state::State;

use crate::disk::KeptTurn;

/// After so many turns each the state is read back from what is kept of it.
const RENEWED_TURNS: u64 = 8;

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
    /// The state as it was, and as it was read back from what a checkpoint of it would keep: at the
    /// latest position where that was tried. The fold goes on from what was read.
    pub(crate) renewed: Option<(State, State)>,
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
        if position.is_multiple_of(RENEWED_TURNS) {
            self.renew();
        }
    }

    /// Goes on from what a checkpoint would keep of the state: what it leaves out is missed soon.
    fn renew(&mut self) {
        let (goes_on, shown) = (self.read_back(), self.read_back());
        let former = std::mem::replace(&mut self.state, goes_on);
        self.renewed = Some((former, shown));
    }

    fn read_back(&self) -> State {
        let known = |hash: &DefinitionHash| self.definitions.get(hash).cloned();
        let mut read = State::decode_shard(&self.state.encode_shard(), &known)
            .expect("what is kept of a shard can be read");
        for run in self.state.runs() {
            let (bytes, large) = self.state.encode_run(run.number()).expect("it is there");
            let large: BTreeMap<[u8; 32], Bytes> =
                large.into_iter().map(|json| (Payload::new(json.clone()).hash(), json)).collect();
            let blobs = |hash: &[u8]| large.get(hash).cloned();
            read.decode_run(&mut Reader::with_blobs(&bytes, &blobs))
                .expect("what is kept of a run can be read");
        }
        read
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
