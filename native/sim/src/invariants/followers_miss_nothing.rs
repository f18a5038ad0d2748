//! P27: a follower is told each event once and in order, from the place after the last that it knows.

use pyflow_engine::Value;
use serde_json::Value as Json;

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct FollowersMissNothing;

impl Invariant for FollowersMissNothing {
    fn name(&self) -> &'static str {
        "P27 followers miss nothing"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Ask::Watch { run_id, after, .. } = &asked.ask else { return scene.no_opinion() };
        let Some(Ok(Value::Events(texts))) = &asked.answer else { return scene.no_opinion() };
        let told: Result<Vec<Json>, _> =
            texts.iter().map(|text| serde_json::from_slice(text)).collect();
        let told = told.map_err(|error| format!("an event is no JSON: {error}"))?;
        match run_id {
            Some(run_id) => of_run(scene, run_id, *after, &told),
            None => of_all(scene, *after, &told),
        }
    }
}

fn of_run(scene: &Scene, run_id: &str, after: u64, told: &[Json]) -> Judged {
    if scene.model.forgotten.contains(run_id) {
        return Ok(()); // Since it was told, perhaps.
    }
    let Some(run) = scene.model.by_id(run_id) else {
        return Err(format!("run {run_id} is followed and is not in the log"));
    };
    let is_again = told.first().is_some_and(|event| event["sequence"].as_u64() <= Some(after));
    if run.is_eventual && is_again {
        return Ok(()); // The power took what it had been told of: there is less than it knows.
    }
    let kept = run.history.iter().skip(after as usize);
    for ((event, recorded), sequence) in told.iter().zip(kept).zip(after + 1..) {
        if event["sequence"].as_u64() != Some(sequence) || !recorded.is_shown_as(run, event) {
            return Err(format!("run {run_id}: {event} instead of {sequence}, {recorded:?}"));
        }
    }
    let known = run.history.len() as u64;
    if after + told.len() as u64 > known {
        return Err(format!("run {run_id}: more was told than the {known} events that are kept"));
    }
    if told.is_empty() && after < known {
        return Err(format!("run {run_id}: nothing was told after {after}, there are {known}"));
    }
    Ok(())
}

fn of_all(scene: &Scene, after: u64, told: &[Json]) -> Judged {
    let kept = scene
        .model
        .turns
        .range(after + 1..)
        .flat_map(|(position, kinds)| kinds.iter().map(move |kind| (*position, *kind)));
    let last = told.last().and_then(|event| event["position"].as_u64()).unwrap_or(after);
    let whole = scene.model.turns.range(after + 1..=last).map(|(_, kinds)| kinds.len());
    if whole.sum::<usize>() > told.len() {
        return Err(format!("after {after}: {} events up to {last} are not all", told.len()));
    }
    let told = told.iter().map(|event| (event["position"].as_u64(), event["kind"].as_str()));
    for ((position, kind), wanted) in told.zip(kept) {
        if (position, kind) != (Some(wanted.0), Some(wanted.1)) {
            return Err(format!("after {after}: {kind:?} at {position:?} instead of {wanted:?}"));
        }
    }
    Ok(())
}
