//! P28: a list holds the runs that were asked for, the latest first, and says where to go on; a task's
//! output is told as it was put out.

use pyflow_engine::Value;
use serde_json::Value as Json;

use super::invariant::{Invariant, Judged};
use crate::model::{End, Run};
use crate::world::{Ask, Asked, Listing, OF_A_CLIENT, Scene};

#[derive(Debug)]
pub(crate) struct ListsAreFiltered;

impl Invariant for ListsAreFiltered {
    fn name(&self) -> &'static str {
        "P28 lists are filtered"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Some(Ok(Value::Json(text))) = asked.answer.as_ref().filter(|_| scene.is_quiet) else {
            return scene.no_opinion();
        };
        let shown: Json =
            serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))?;
        match &asked.ask {
            Ask::Filter(listing) => page_is_right(scene, listing, &shown),
            Ask::TaskResult { run_id, task_id } => output_is_right(scene, run_id, task_id, &shown),
            _ => scene.no_opinion(),
        }
    }
}

fn page_is_right(scene: &Scene, listing: &Listing, shown: &Json) -> Judged {
    let is_before = |run: &&Run| listing.cursor.is_none_or(|cursor| run.number < cursor);
    let all = scene.model.runs.values().rev().filter(|run| is_wanted(run, listing));
    let wanted: Vec<&Run> = all.filter(is_before).collect();
    let page: Vec<&str> = wanted.iter().take(listing.limit).map(|run| run.id.as_str()).collect();
    let rows = shown["runs"].as_array().map_or(&[][..], Vec::as_slice);
    let told: Vec<&str> = rows.iter().filter_map(|row| row["run_id"].as_str()).collect();
    if told != page {
        return Err(format!("{listing:?} lists {told:?}, not {page:?}"));
    }
    let next = wanted.get(listing.limit - 1).filter(|_| wanted.len() > listing.limit);
    let cursor = shown["cursor"].as_str().and_then(|cursor| cursor.parse().ok());
    match next {
        Some(run) if cursor != Some(run.number) => {
            Err(format!("{listing:?} goes on at {cursor:?}, not at {}", run.number))
        }
        Some(_) | None => Ok(()),
    }
}

fn is_wanted(run: &Run, listing: &Listing) -> bool {
    listing.status.is_none_or(|status| run.stage.word() == status)
        && listing.name.as_deref().is_none_or(|name| run.flow.name == name)
        && listing.created_by.is_none_or(|by| run.created_by.as_deref() == Some(by))
        && (!listing.of_client || run.metadata.as_deref() == Some(OF_A_CLIENT.as_bytes()))
}

fn output_is_right(scene: &Scene, run_id: &str, task_id: &str, shown: &Json) -> Judged {
    let Some(run) = scene.model.by_id(run_id).filter(|run| !run.is_blurred) else { return Ok(()) };
    let mut instances = 0..run.entries.len();
    let entry = instances.rfind(|instance| run.name(*instance) == task_id);
    let Some(End::Completed(output)) = entry.and_then(|instance| run.entries[instance].end())
    else {
        return Err(format!("{task_id} of {run_id} has not completed, and has put out {shown}"));
    };
    let wanted = output.as_ref().and_then(|json| serde_json::from_slice(json).ok());
    let wanted: Json = wanted.unwrap_or_default();
    if *shown == wanted {
        return Ok(());
    }
    Err(format!("{task_id} of {run_id} is told as {shown}, not {wanted}"))
}
