//! Checkpoints and trimming: a state that is kept whole, and events that move from the log to
//! each run's history. Nothing is ever deleted here.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::codec::{DecodeError, Reader, Stored, write_array};
use pyflow_core::definition::Definition;
use pyflow_core::event::Event;
use pyflow_core::ids::{DefinitionHash, RunNumber};
use pyflow_core::seeded::{Bug, is_planted};
use pyflow_core::state::State;
use pyflow_core::time::Millis;
use pyflow_store::{Blob, BlobHash, Checkpoint, HistoryPart, Log, Snapshot};

use crate::fault::Refusal;
use crate::recovery::{decode, unreadable};

/// Keeps the whole state at its present position. Runs that have not changed since `before` are
/// kept already.
pub(crate) fn write(
    log: &mut dyn Log,
    state: &State,
    (before, now): (u64, Millis),
) -> Result<(), Refusal> {
    let mut runs = Vec::new();
    let mut blobs = Vec::new();
    let skipped = u64::from(is_planted(Bug::CheckpointSkipsRuns) && before > 0);
    for run in state.runs().filter(|run| run.positions().1 > before + skipped) {
        let number = run.number();
        let (bytes, large) = state.encode_run(number).expect("it is one of the state's");
        blobs.extend(large.into_iter().map(Blob::new));
        runs.push((number.0, Bytes::from(bytes)));
    }
    if !blobs.is_empty() {
        log.put_blobs(&blobs)?;
    }
    let mut bytes = Vec::new();
    (now, Bytes::from(state.encode_shard())).write(&mut bytes);
    let (position, bytes) = (state.position(), bytes.into());
    log.put_checkpoint(&Checkpoint { position, bytes }, &runs)?;
    Ok(())
}

/// Reads the state of the latest checkpoint with its time, or the empty state where there is none.
pub(crate) fn read(log: &mut dyn Log) -> Result<(State, Millis), Refusal> {
    let Some(checkpoint) = log.get_checkpoint()? else { return Ok(Default::default()) };
    let wrong = |error: DecodeError| unreadable(&error.to_string());
    let (latest, shard) =
        <(Millis, Bytes)>::read(&mut Reader::new(&checkpoint.bytes)).map_err(wrong)?;
    let (hashes, runs) = State::read_shard_names(&shard).map_err(wrong)?;
    let mut definitions: BTreeMap<DefinitionHash, Arc<Definition>> = BTreeMap::new();
    for hash in hashes {
        definitions.insert(hash, definition(log, hash)?);
    }
    let known = |hash: &DefinitionHash| definitions.get(hash).cloned();
    let mut state = State::decode_shard(&shard, &known).map_err(wrong)?;
    for run in runs {
        read_run(log, &mut state, run)?;
    }
    Ok((state, latest))
}

/// The definition that is kept under a hash.
pub(crate) fn definition(
    log: &mut dyn Log,
    hash: DefinitionHash,
) -> Result<Arc<Definition>, Refusal> {
    let read = Definition::from_stored(stored_definition(log, hash)?);
    read.map(Arc::new).map_err(|error| unreadable(&error.to_string()))
}

/// The bytes that are kept of a definition.
pub(crate) fn stored_definition(log: &mut dyn Log, hash: DefinitionHash) -> Result<Bytes, Refusal> {
    let stored = log.get_blob(&BlobHash::from_bytes(hash.0))?;
    stored.ok_or_else(|| unreadable("a definition is missing"))
}

fn read_run(log: &mut dyn Log, state: &mut State, run: RunNumber) -> Result<(), Refusal> {
    let snapshot: Option<Snapshot> = log.get_snapshot(run.0)?;
    let snapshot = snapshot.ok_or_else(|| unreadable("a run's snapshot is missing"))?;
    crate::recovery::with_blobs(log, |blobs| {
        state.decode_run(&mut Reader::with_blobs(&snapshot.bytes, blobs)).map(drop)
    })
}

/// Reads a run's snapshot, if it has one at `last` or before; gives its position.
pub(crate) fn fold_from_snapshot(
    log: &mut dyn Log,
    known: &State,
    folded: &mut State,
    (run, last): (RunNumber, u64),
) -> Result<Option<u64>, Refusal> {
    let Some(snapshot) = log.get_snapshot(run.0)?.filter(|kept| kept.position <= last) else {
        return Ok(None);
    };
    let wrong = |error: DecodeError| unreadable(&error.to_string());
    let hash = State::read_run_definition(&snapshot.bytes).map_err(wrong)?;
    match known.definition(&hash) {
        Some(definition) => folded.learn(definition.clone()),
        None => folded.learn(definition(log, hash)?),
    }
    crate::recovery::with_blobs(log, |blobs| {
        folded.decode_run(&mut Reader::with_blobs(&snapshot.bytes, blobs)).map(drop)
    })?;
    folded.move_to(snapshot.position);
    Ok(Some(snapshot.position))
}

/// Moves the first of what a checkpoint covers out of the log, about `slice_size` bytes of it, into the histories of
/// its runs: one synced transaction. Answers whether more is left up to `up_to`.
pub(crate) fn trim(log: &mut dyn Log, up_to: u64, slice_size: usize) -> Result<bool, Refusal> {
    let from = log.head()?.trimmed + 1;
    if from > up_to {
        return Ok(false);
    }
    let turns = log.read(from, slice_size)?;
    let mut parts: BTreeMap<u64, (u64, Vec<u8>)> = BTreeMap::new();
    let mut last = 0;
    for turn in turns.into_iter().take_while(|turn| turn.position <= up_to) {
        last = turn.position;
        for event in decode(log, &turn.events)? {
            let Some(run) = event.run() else { continue };
            let (_, bytes) = parts.entry(run.0).or_insert_with(|| (last, Vec::new()));
            write_placed(last, &event, bytes);
        }
    }
    if last == 0 {
        return Ok(false);
    }
    let parts: Vec<HistoryPart> = parts
        .into_iter()
        .map(|(run, (first_position, bytes))| HistoryPart {
            run,
            first_position,
            bytes: bytes.into(),
        })
        .collect();
    log.trim(last, &parts)?;
    Ok(last < up_to)
}

/// An event in a history stands behind the position of the turn that it came from.
fn write_placed(position: u64, event: &Event, out: &mut Vec<u8>) {
    write_array(out, 2);
    position.write(out);
    event.write(out);
}

/// Reads the events of a chunk of history with their positions.
pub(crate) fn read_chunk(log: &mut dyn Log, bytes: &Bytes) -> Result<Vec<(u64, Event)>, Refusal> {
    crate::recovery::with_blobs(log, |blobs| {
        let mut reader = Reader::with_blobs(bytes, blobs);
        let mut events = Vec::new();
        while !reader.is_empty() {
            events.push(<(u64, Event)>::read(&mut reader)?);
        }
        Ok(events)
    })
}
