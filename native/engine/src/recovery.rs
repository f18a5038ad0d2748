//! From a log back to a state: read, check, apply. Nothing is decided here.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;

use bytes::Bytes;
use pyflow_core::codec::{Blobs, DecodeError, Reader, Stored};
use pyflow_core::event::Event;
use pyflow_core::ids::{DefinitionHash, RunNumber};
use pyflow_core::state::{Moved, State};
use pyflow_core::time::Millis;
use pyflow_store::{BlobHash, Log, RunPiece, StoreFault, StoredTurn};

use crate::checkpoint;
use crate::driver::forgotten_by;
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

/// What one turn of the log has changed.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) position: u64,
    pub(crate) event_count: u64,
    /// Runs whose rows differ from before.
    pub(crate) runs: BTreeSet<RunNumber>,
    /// Numbers of runs that were forgotten.
    pub(crate) forgotten: Vec<u64>,
}

/// Folds the log from its latest checkpoint; `changed` hears of each turn after it was applied.
pub(crate) fn recover(
    log: &mut dyn Log,
    changed: impl FnMut(&State, Changed),
) -> Result<Recovered, Refusal> {
    fold(log, None, changed)
}

/// The same, going on from a state that is known already.
///
/// Events are decoded on a thread of their own: while one stretch of the log is applied here, the next
/// is read and becomes events there.
pub(crate) fn fold(
    log: &mut dyn Log,
    known: Option<State>,
    changed: impl FnMut(&State, Changed),
) -> Result<Recovered, Refusal> {
    let (state, latest) = match known {
        Some(state) => (state, Millis(0)),
        None => checkpoint::read(log)?,
    };
    let mut folding = Folding { recovered: Recovered { state, latest, size: 0 }, changed };
    let mut from = folding.recovered.state.position() + 1;
    let mut stretch = log.read(from, READ_SIZE)?;
    if stretch.iter().map(|turn| turn.events.len()).sum::<usize>() < READ_SIZE {
        folding.take_in_line(log, stretch)?; // It is all there is, and not worth a thread.
        return Ok(folding.recovered);
    }
    std::thread::scope(|scope| {
        let (to_decoder, stretches) = sync_channel::<Vec<StoredTurn>>(1);
        let (done, decoded) = sync_channel(1);
        scope.spawn(move || {
            for stretch in stretches {
                if done.send(decode_stretch(stretch)).is_err() {
                    return;
                }
            }
        });
        let mut waiting = 0;
        loop {
            if let Some(last) = stretch.last() {
                from = last.position + 1;
                to_decoder.send(stretch).expect("the decoder lives as long as it has work");
                waiting += 1;
                stretch = log.read(from, READ_SIZE)?;
            }
            if waiting == 0 {
                return Ok(());
            }
            let turns = decoded.recv().expect("the decoder answers for each stretch");
            waiting -= 1;
            for (turn, events) in turns {
                folding.take(log, &turn, events)?;
            }
        }
    })
    .map(|()| folding.recovered)
}

/// The turns of a stretch with their events; none where they name what is kept beside the log.
type Decoded = Vec<(StoredTurn, Option<Vec<Event>>)>;

fn decode_stretch(stretch: Vec<StoredTurn>) -> Decoded {
    let turns = stretch.into_iter().map(|turn| {
        let events = decode_all(&mut Reader::new(&turn.events)).ok();
        (turn, events)
    });
    turns.collect()
}

/// A state that is being folded.
struct Folding<F> {
    recovered: Recovered,
    changed: F,
}

impl<F: FnMut(&State, Changed)> Folding<F> {
    fn take_in_line(&mut self, log: &mut dyn Log, turns: Vec<StoredTurn>) -> Result<(), Refusal> {
        turns.into_iter().try_for_each(|turn| self.take(log, &turn, None))
    }

    /// Applies a turn, whose events may have been decoded already.
    fn take(
        &mut self,
        log: &mut dyn Log,
        turn: &StoredTurn,
        events: Option<Vec<Event>>,
    ) -> Result<(), Refusal> {
        let events = match events {
            Some(events) => events,
            None => decode(log, &turn.events)?,
        };
        let Recovered { state, latest, size } = &mut self.recovered;
        *size += turn.events.len() as u64;
        if let Some(first) = events.first() {
            state.begin_turn_with(turn.position, first);
        }
        for event in &events {
            prepare(log, state, event)?;
            state.apply(event);
            *latest = (*latest).max(event.at());
        }
        let moved = state.take_moves();
        let runs = moved.into_iter().filter_map(|moved| match moved {
            Moved::Run { run, .. } => Some(run),
            Moved::Task { .. } | Moved::Grown { .. } => None,
        });
        let changed = Changed {
            position: turn.position,
            event_count: events.len() as u64,
            runs: runs.collect(),
            forgotten: forgotten_by(&events),
        };
        (self.changed)(&self.recovered.state, changed);
        Ok(())
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

/// Folds one run alone, as it is at the end of its history: from its latest snapshot where there is
/// one, so that a long run that has left memory is not replayed whole.
pub(crate) fn fold_run(
    log: &mut dyn Log,
    known: &State,
    run: RunNumber,
    (first, last): (u64, u64),
) -> Result<State, Refusal> {
    let mut folded = State::default();
    let first = match checkpoint::fold_from_snapshot(log, known, &mut folded, (run, last))? {
        Some(position) => position + 1,
        None => first,
    };
    let mut events = Vec::new();
    if first <= last {
        run_events(log, run, (first, last), |position, event| {
            if position >= first {
                events.push((position, event));
            }
            true
        })?;
    }
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
