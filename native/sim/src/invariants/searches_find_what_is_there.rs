//! P28: the beginning of an id leads to the runs that have it, and `@last` to the one that was created
//! last; all that is deployed is told, in its order.

use pyflow_core::ids::DefinitionHash;
use pyflow_engine::Value;
use serde_json::Value as Json;

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, LATEST, Scene};

#[derive(Debug)]
pub(crate) struct SearchesFindWhatIsThere;

impl Invariant for SearchesFindWhatIsThere {
    fn name(&self) -> &'static str {
        "P28 searches find what is there"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Some(Ok(Value::Json(text))) = asked.answer.as_ref().filter(|_| scene.is_quiet) else {
            return scene.no_opinion();
        };
        let is_right = match &asked.ask {
            Ask::Find { text: words } => is_found(scene, words, &read(text)?),
            Ask::Definitions => is_deployed(scene, &read(text)?),
            _ => return scene.no_opinion(),
        };
        let told = String::from_utf8_lossy(text);
        if is_right { Ok(()) } else { Err(format!("{:?} was answered with {told}", asked.ask)) }
    }
}

fn read(text: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))
}

fn is_found(scene: &Scene, words: &str, shown: &Json) -> bool {
    let told = shown["run_ids"].as_array().map_or(&[][..], Vec::as_slice);
    let told: Vec<&str> = told.iter().filter_map(Json::as_str).collect();
    let ids = scene.model.runs.values().map(|run| run.id.as_str());
    if words == LATEST {
        return told.first().copied() == ids.last() && told.len() < 2;
    }
    let mut near: Vec<&str> = ids.filter(|id| id.starts_with(words)).collect();
    near.sort_unstable();
    match near.as_slice() {
        // A whole id means itself, whatever else begins with it.
        _ if near.contains(&words) => told == [words],
        [] | [_] => told == near,
        // So many are told that it is seen to be too short.
        [_, _, ..] => told.len() > 1 && told.iter().all(|id| near.contains(id)),
    }
}

fn is_deployed(scene: &Scene, shown: &Json) -> bool {
    let flow = |hash: &DefinitionHash| scene.model.flows[hash].clone();
    let mut wanted: Vec<_> = scene.model.deployed.iter().collect();
    wanted.sort_by_key(|hash| flow(hash).name.clone());
    let shown = shown.as_array().map_or(&[][..], Vec::as_slice);
    let is_same = |told: &Json, hash: &DefinitionHash| {
        told["name"] == *flow(hash).name
            && told["version"].as_str() == flow(hash).version.as_deref()
            && told["hash"] == *hash.to_string()
            && told["task_count"] == flow(hash).tasks.len()
    };
    shown.len() == wanted.len() && shown.iter().zip(wanted).all(|(told, hash)| is_same(told, hash))
}
