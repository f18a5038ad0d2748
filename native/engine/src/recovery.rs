//! From a log back to a state: read, check, apply. Nothing is decided here.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bytes::Bytes;
use pyflow_core::codec::{Blobs, DecodeError, Reader, Stored};
use pyflow_core::event::Event;
use pyflow_core::ids::{DefinitionHash, RunNumber};
use pyflow_core::state::{Moved, State};
use pyflow_core::time::Millis;
use pyflow_store::{BlobHash, Log, RunPiece, StoreFault};

use crate::checkpoint;
use crate::fault::Refusal;

/// Bytes of events that are read from the log at once.
const READ_SIZE: usize = 8 * 1024 * 1024;

/// What a log folds into.
pub(crate) struct Recovered {
    pub(crate) state: State,
    /// The latest time on record.
    pub(crate) latest: Millis,
    /// Bytes of log that were folded.
    pub(crate) size: u64,
}

/// Folds the log from its latest checkpoint; `changed` hears after each turn which runs' rows differ
/// from before.
pub(crate) fn recover(
    log: &mut dyn Log,
    changed: impl FnMut(&State, &BTreeSet<RunNumber>),
) -> Result<Recovered, Refusal> {
    fold(log, None, changed)
}

/// The same, going on from a state that is known already.
pub(crate) fn fold(
    log: &mut dyn Log,
    known: Option<State>,
    mut changed: impl FnMut(&State, &BTreeSet<RunNumber>),
) -> Result<Recovered, Refusal> {
    let (mut state, mut latest) = match known {
        Some(state) => (state, Millis(0)),
        None => checkpoint::read(log)?,
    };
    let mut size = 0;
    let mut from = state.position() + 1;
    loop {
        let turns = log.read(from, READ_SIZE)?;
        if turns.is_empty() {
            return Ok(Recovered { state, latest, size });
        }
        for turn in turns {
            size += turn.events.len() as u64;
            let events = decode(log, &turn.events)?;
            if let Some(first) = events.first() {
                state.begin_turn_with(turn.position, first);
            }
            for event in &events {
                prepare(log, &mut state, event)?;
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

/// Makes known what an event relies on: a definition, or a run that is opened again.
fn prepare(log: &mut dyn Log, state: &mut State, event: &Event) -> Result<(), Refusal> {
    if let Event::DefinitionDeployed(deployed) = event {
        learn(log, state, deployed.definition)?;
    }
    if let Event::RunReopened(reopened) = event
        && state.run(reopened.run).is_none()
    {
        let folded = fold_run(log, state, reopened.run, (1, state.position() - 1))?;
        state.readmit(folded, reopened.run);
    }
    Ok(())
}

fn learn(log: &mut dyn Log, state: &mut State, hash: DefinitionHash) -> Result<(), Refusal> {
    if state.definition(&hash).is_none() {
        state.learn(checkpoint::definition(log, hash)?);
    }
    Ok(())
}

pub(crate) fn unreadable(what: &str) -> Refusal {
    let message = format!("the log holds what this version cannot read: {what}");
    Refusal::new("PF2003", serde_json::json!({ "message": message }))
}

/// Reads stored bytes with a way to look up what is kept beside the log.
pub(crate) fn with_blobs<T>(
    log: &mut dyn Log,
    read: impl FnOnce(Blobs<'_>) -> Result<T, DecodeError>,
) -> Result<T, Refusal> {
    let log = RefCell::new(log);
    let fault: RefCell<Option<StoreFault>> = RefCell::default();
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
    let found = read(&blobs);
    match fault.into_inner() {
        Some(fault) => Err(fault.into()),
        None => found.map_err(|error| unreadable(&error.to_string())),
    }
}

/// Reads the events of a turn.
pub(crate) fn decode(log: &mut dyn Log, bytes: &Bytes) -> Result<Vec<Event>, Refusal> {
    with_blobs(log, |blobs| decode_all(&mut Reader::with_blobs(bytes, blobs)))
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
            let events = match piece {
                RunPiece::History(chunk) => checkpoint::read_chunk(log, &chunk.bytes)?,
                RunPiece::Turn(turn) => {
                    let events = decode(log, &turn.events)?.into_iter();
                    events.map(|event| (turn.position, event)).collect()
                }
            };
            for (position, event) in events {
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
