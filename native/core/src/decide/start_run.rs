//! Begin a run, or many.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::Decision;
use crate::codec::Stored;
use crate::command::{StartRun, Wanted};
use crate::consistency::Consistency;
use crate::definition::Definition;
use crate::event::RunCreated;
use crate::ids::{DefinitionHash, RunNumber};
use crate::limits::{
    BATCH_RUN_COUNT_MAX, METADATA_SIZE_MAX, NAME_SIZE_MAX, PAYLOAD_SIZE_MAX, SPAN_MS_MAX,
};
use crate::payload::Payload;
use crate::rejection::Rejection;
use crate::state::State;
use crate::time::Millis;

pub(super) fn decide(state: &State, command: &StartRun, now: Millis) -> Decision {
    Ok(vec![created(state, command, state.next_run(), now)?.into()])
}

/// All of them or none: what is wrong with one refuses the others too. Their ids are generated and they have no keys,
/// so that none can turn out to be a run that is there.
pub(super) fn decide_all(state: &State, commands: &[StartRun], now: Millis) -> Decision {
    check_count(commands.len())?;
    let (mut events, mut run_ids, mut size) = (Vec::new(), BTreeSet::new(), 0);
    let numbers = (state.next_run().0..).map(RunNumber);
    for (command, number) in commands.iter().zip(numbers) {
        let is_of_many = !command.chosen && command.key.is_none();
        if !is_of_many || !run_ids.insert(&command.run_id) {
            let message = "run ids and keys are of one run; start it alone".to_string();
            return Err(Rejection::InputInvalid { what: "a start among many", message });
        }
        let event = created(state, command, number, now)?;
        // With the defaults of its definition an input may be far larger than what was given.
        size += event.input.size() + metadata_size(command);
        check_size("what runs started at once are given", size, PAYLOAD_SIZE_MAX)?;
        events.push(event.into());
    }
    Ok(events)
}

fn created(
    state: &State,
    command: &StartRun,
    number: RunNumber,
    now: Millis,
) -> Result<RunCreated, Rejection> {
    check_sizes(command)?;
    let definition = wanted_definition(state, command)?;
    let input = definition.whole_input(&command.input);
    check_size("the input", input.size(), PAYLOAD_SIZE_MAX)?;
    let request_hash = request_hash(command, &input, definition.hash);
    if let Some(key) = &command.key
        && let Some(known) = state.key(&command.namespace, key)
        && known.expires_at.is_none_or(|at| at > now)
    {
        if known.request_hash == request_hash {
            return Err(Rejection::RunExists { run_id: known.run_id.clone() });
        }
        return Err(Rejection::KeyReused { key: key.clone(), run_id: known.run_id.clone() });
    }
    if state.run_number(&command.namespace, &command.run_id).is_some() {
        return Err(Rejection::RunExists { run_id: command.run_id.clone() });
    }
    let own = definition.consistency.as_deref().and_then(Consistency::parse);
    let consistency = strongest(own, command.consistency);
    let deadline_ms = command.deadline_ms.or(definition.deadline_ms);
    Ok(RunCreated {
        run: number,
        run_id: command.run_id.clone(),
        namespace: command.namespace.clone(),
        definition: definition.hash,
        input,
        priority: command.priority.map(|priority| priority as u8),
        deadline_at: deadline_ms.map(|span_ms| now.plus(span_ms.min(SPAN_MS_MAX))),
        consistency: consistency as u8,
        chosen: command.chosen,
        key: command.key.clone(),
        request_hash,
        metadata: command.metadata.clone(),
        created_by: command.created_by.clone(),
        at: now,
    })
}

/// A call may ask for more than its definition, never for less.
fn strongest(own: Option<Consistency>, asked: Option<Consistency>) -> Consistency {
    match (own, asked) {
        (Some(own), Some(asked)) => own.min(asked),
        (one, other) => one.or(other).unwrap_or(Consistency::Strong),
    }
}

fn check_sizes(command: &StartRun) -> Result<(), Rejection> {
    let texts = [
        ("the run id", Some(&command.run_id)),
        ("the idempotency key", command.key.as_ref()),
        ("created_by", command.created_by.as_ref()),
    ];
    for (what, text) in texts {
        let Some(text) = text else { continue };
        if text.is_empty() || text.chars().any(char::is_control) {
            let message = "it must not be empty nor hold control characters".to_string();
            return Err(Rejection::InputInvalid { what, message });
        }
        check_size(what, text.len(), NAME_SIZE_MAX)?;
    }
    check_size("the metadata", metadata_size(command), METADATA_SIZE_MAX)
}

fn metadata_size(command: &StartRun) -> usize {
    command.metadata.as_ref().map_or(0, Bytes::len)
}

fn check_count(count: usize) -> Result<(), Rejection> {
    if count > BATCH_RUN_COUNT_MAX {
        let (count, count_max) = (count as u64, BATCH_RUN_COUNT_MAX as u64);
        return Err(Rejection::LimitExceeded { what: "runs started at once", count, count_max });
    }
    Ok(())
}

fn check_size(what: &'static str, size: usize, size_max: usize) -> Result<(), Rejection> {
    if size > size_max {
        return Err(Rejection::PayloadTooLarge { what, size, size_max });
    }
    Ok(())
}

fn wanted_definition<'a>(
    state: &'a State,
    command: &StartRun,
) -> Result<&'a Arc<Definition>, Rejection> {
    match &command.wanted {
        Wanted::Hash(hash) => state
            .definition(hash)
            .filter(|definition| state.is_deployed(&command.namespace, definition))
            .ok_or_else(|| Rejection::DefinitionUnknown {
                wanted: hash.to_string(),
                hint: String::new(),
            }),
        Wanted::Name { name, version } => named(state, command, name, version.as_ref()),
    }
}

fn named<'a>(
    state: &'a State,
    command: &StartRun,
    name: &Arc<str>,
    version: Option<&Arc<str>>,
) -> Result<&'a Arc<Definition>, Rejection> {
    let deployed = state.deployed(&command.namespace, name);
    let found = match version {
        None => deployed.last(),
        Some(version) => deployed.iter().find(|d| d.version.as_ref() == Some(version)),
    };
    if let Some(found) = found {
        return Ok(state.definition(&found.definition).expect("what is deployed is learned"));
    }
    let hint = if deployed.is_empty() {
        let names = state.all_deployed(&command.namespace).map(|(name, _)| &**name);
        crate::names::closest(name, names)
            .map_or(String::new(), |near| format!("; did you mean {near}?"))
    } else {
        let versions: Vec<&str> =
            deployed.iter().filter_map(|d| d.version.as_deref()).take(10).collect();
        format!("; its versions are {}", versions.join(", "))
    };
    let wanted = version.map_or_else(|| name.to_string(), |version| format!("{name} {version}"));
    Err(Rejection::DefinitionUnknown { wanted, hint })
}

/// What a repeated start is compared by: the definition and the input.
fn request_hash(command: &StartRun, input: &Payload, definition: DefinitionHash) -> Bytes {
    if command.key.is_none() {
        return Bytes::new();
    }
    let mut request = Vec::with_capacity(input.size() + 64);
    definition.write(&mut request);
    input.json().write(&mut request);
    Bytes::copy_from_slice(&DefinitionHash::of(&request).0[..16])
}
