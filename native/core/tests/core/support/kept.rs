//! A log in memory, and what is folded from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::codec::{Reader, Stored};
use pyflow_core::definition::Definition;
use pyflow_core::event::Event;
use pyflow_core::ids::{DefinitionHash, RunNumber};
use pyflow_core::shard::Turn;
use pyflow_core::state::State;

/// What a store keeps.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    turns: Vec<(u64, Vec<u8>)>,
    blobs: BTreeMap<[u8; 32], Bytes>,
    definitions: BTreeMap<DefinitionHash, Arc<Definition>>,
}

impl Kept {
    pub(crate) fn keep(&mut self, turn: &Turn) {
        self.blobs.extend(turn.blobs.iter().cloned());
        self.turns.push((turn.position, turn.encoded.clone()));
    }

    /// Keeps a definition in its stored form, as a store does, and reads it back.
    pub(crate) fn keep_definition(&mut self, hash: DefinitionHash, stored: &Bytes) {
        let read = Definition::from_stored(stored).expect("a definition can be read back");
        assert_eq!(read.hash, hash, "a definition keeps its hash");
        self.definitions.insert(hash, Arc::new(read));
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Vec<Event> {
        let blobs = |hash: &[u8]| self.blobs.get(hash).cloned();
        let mut reader = Reader::with_blobs(bytes, &blobs);
        let mut events = Vec::new();
        while !reader.is_empty() {
            events.push(Event::read(&mut reader).expect("what was written can be read"));
        }
        events
    }

    /// Bytes of the largest turn.
    pub(crate) fn largest_turn(&self) -> usize {
        self.turns.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0)
    }

    pub(crate) fn turns(&self) -> impl Iterator<Item = (u64, Vec<Event>)> {
        self.turns.iter().map(|(position, bytes)| (*position, self.decode(bytes)))
    }

    /// Makes the events of a turn part of a state, as a store's reader does.
    pub(crate) fn fold_turn(
        &self,
        state: &mut State,
        position: u64,
        events: &[Event],
        mut seen: impl FnMut(&mut State, &Event),
    ) {
        let Some(first) = events.first() else { return };
        state.begin_turn_with(position, first);
        for event in events {
            self.prepare(state, position, event);
            state.apply(event);
            seen(state, event);
        }
    }

    fn prepare(&self, state: &mut State, position: u64, event: &Event) {
        if let Event::DefinitionDeployed(deployed) = event {
            state.learn(self.definitions[&deployed.definition].clone());
        }
        if let Event::RunReopened(reopened) = event
            && state.run(reopened.run).is_none()
        {
            state.readmit(self.fold_run(reopened.run, position - 1), reopened.run);
        }
    }

    /// One run alone, as it was at the end of the turn at `last`.
    pub(crate) fn fold_run(&self, run: RunNumber, last: u64) -> State {
        let mut state = State::default();
        for (position, events) in self.turns().filter(|(position, _)| *position <= last) {
            for event in events.iter().filter(|event| event.run() == Some(run)) {
                if let Event::RunCreated(created) = event {
                    state.learn(self.definitions[&created.definition].clone());
                }
                state.move_to(position);
                state.apply(event);
            }
        }
        state.take_moves();
        state
    }

    /// The state that the whole log folds into.
    pub(crate) fn fold(&self) -> State {
        let mut state = State::default();
        for (position, events) in self.turns() {
            self.fold_turn(&mut state, position, &events, |_, _| {});
        }
        state.take_moves();
        state
    }

    /// The state as a checkpoint would bring it back.
    pub(crate) fn restored(&self, state: &State) -> State {
        let known = |hash: &DefinitionHash| self.definitions.get(hash).cloned();
        let shard = state.encode_shard();
        let mut restored = State::decode_shard(&shard, &known).expect("a checkpoint can be read");
        let (_, runs) = State::read_shard_names(&shard).expect("a checkpoint can be read");
        for run in runs {
            let (bytes, large) = state.encode_run(run).expect("a named run is there");
            let large: BTreeMap<[u8; 32], Bytes> =
                large.into_iter().map(|blob| (*blake3::hash(&blob).as_bytes(), blob)).collect();
            let blobs = |hash: &[u8]| large.get(hash).cloned();
            let read = restored.decode_run(&mut Reader::with_blobs(&bytes, &blobs));
            assert_eq!(read, Ok(run), "a run's snapshot can be read");
        }
        restored
    }
}
