//! From a log back to a state: read, check, apply. Nothing is decided here.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::codec::{DecodeError, Reader, Stored};
use pyflow_core::definition::Definition;
use pyflow_core::event::Event;
use pyflow_core::ids::{DefinitionHash, RunNumber};
use pyflow_core::state::{Moved, State};
use pyflow_core::time::Millis;
use pyflow_store::{BlobHash, Log, RunPiece, StoreFault};

use crate::fault::Refusal;

/// Bytes of events that are read from the log at once.
const READ_SIZE: usize = 8 * 1024 * 1024;

/// What a log folds into.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) latest: Millis,
}

/// Folds the whole log; `changed` hears after each turn which runs' rows differ from before.
pub(crate) fn recover(
    log: &mut dyn Log,
    mut changed: impl FnMut(&State, &BTreeSet<RunNumber>),
) -> Result<Recovered, Refusal> {
    let mut state = State::default();
    let mut latest = Millis(0);
    let mut from = 1;
    loop {
        let turns = log.read(from, READ_SIZE)?;
        if turns.is_empty() {
            return Ok(Recovered { state, latest });
        }
        for turn in turns {
            let events = decode(log, &turn.events)?;
            prepare(log, &mut state, &events)?;
            state.begin_turn(turn.position);
            for event in &events {
                state.apply(event);
                latest = latest.max(event.at());
            }
            let runs: BTreeSet<RunNumber> = state
                .take_moves()
                .into_iter()
                .filter_map(|moved| match moved {
                    Moved::Run { run, .. } => Some(run),
                    Moved::Task { .. } | Moved::Grown { .. } => None,
                })
                .collect();
            changed(&state, &runs);
            from = turn.position + 1;
        }
    }
}

/// Makes known what the events of a turn rely on: definitions, and runs that are opened again.
fn prepare(log: &mut dyn Log, state: &mut State, events: &[Event]) -> Result<(), Refusal> {
    for event in events {
        match event {
            Event::DefinitionDeployed(e) => learn(log, state, e.definition)?,
            Event::RunReopened(e) if state.run(e.run).is_none() => {
                let folded = fold_run(log, state, e.run, (1, state.position()))?;
                state.readmit(folded, e.run);
            }
            _ => {}
        }
    }
    Ok(())
}

fn learn(log: &mut dyn Log, state: &mut State, hash: DefinitionHash) -> Result<(), Refusal> {
    if state.definition(&hash).is_some() {
        return Ok(());
    }
    let stored = log.get_blob(&BlobHash::from_bytes(hash.0))?;
    let stored = stored.ok_or_else(|| unreadable("a definition is missing"))?;
    let definition = Definition::from_stored(&stored).map_err(|e| unreadable(&e.to_string()))?;
    state.learn(Arc::new(definition));
    Ok(())
}

fn unreadable(what: &str) -> Refusal {
    let message = format!("the log holds what this version cannot read: {what}");
    Refusal::new("PF2003", serde_json::json!({ "message": message }))
}

/// Reads the events of a turn, with what is kept beside the log.
pub(crate) fn decode(log: &mut dyn Log, bytes: &Bytes) -> Result<Vec<Event>, Refusal> {
    let log = std::cell::RefCell::new(log);
    let fault: std::cell::RefCell<Option<StoreFault>> = std::cell::RefCell::default();
    let blobs = |hash: &[u8]| -> Option<Bytes> {
        let hash = BlobHash::from_bytes(hash.try_into().ok()?);
        match log.borrow_mut().get_blob(&hash) {
            Ok(found) => found,
            Err(found) => {
                fault.replace(Some(found));
                None
            }
        }
    };
    let read = decode_all(&mut Reader::with_blobs(bytes, &blobs));
    match fault.into_inner() {
        Some(fault) => Err(fault.into()),
        None => read.map_err(|error| unreadable(&error.to_string())),
    }
}

fn decode_all(reader: &mut Reader<'_>) -> Result<Vec<Event>, DecodeError> {
    let mut events = Vec::new();
    while !reader.is_empty() {
        events.push(Event::read(reader)?);
    }
    Ok(events)
}

/// A run's events with the positions of their turns, as far as `limit_bytes` of log go.
pub(crate) fn run_events(
    log: &mut dyn Log,
    run: RunNumber,
    (mut first, last): (u64, u64),
    mut take: impl FnMut(u64, Event) -> bool,
) -> Result<(), Refusal> {
    loop {
        let page = log.read_run(run.0, first, last, READ_SIZE)?;
        for piece in page.pieces {
            let (position, bytes) = match piece {
                RunPiece::Turn(turn) => (turn.position, turn.events),
                RunPiece::History(chunk) => (chunk.first_position, chunk.bytes),
            };
            for event in decode(log, &bytes)? {
                if event.run() == Some(run) && !take(position, event) {
                    return Ok(());
                }
            }
        }
        match page.next {
            Some(next) => first = next,
            None => return Ok(()),
        }
    }
}

/// Folds one run alone, as it is at the end of its history.
pub(crate) fn fold_run(
    log: &mut dyn Log,
    known: &State,
    run: RunNumber,
    positions: (u64, u64),
) -> Result<State, Refusal> {
    let mut events = Vec::new();
    run_events(log, run, positions, |position, event| {
        events.push((position, event));
        true
    })?;
    let mut folded = State::default();
    for (position, event) in events {
        if let Event::RunCreated(created) = &event {
            match known.definition(&created.definition) {
                Some(definition) => folded.learn(definition.clone()),
                None => learn(log, &mut folded, created.definition)?,
            }
        }
        // Turns of other runs lie between; a run that has ended stays until all is applied.
        if position > folded.position() && !matches!(event, Event::RunReopened(_)) {
            folded.move_to(position);
        }
        folded.apply(&event);
    }
    folded.take_moves();
    Ok(folded)
}
