//! P40: runs that are started together are all there or none, whatever befalls the process.

use std::collections::BTreeSet;

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::disk::KeptTurn;
use crate::world::{Ask, Asked, Scene, Start};

#[derive(Debug)]
pub(crate) struct BatchesAreWhole;

impl Invariant for BatchesAreWhole {
    fn name(&self) -> &'static str {
        "P40 batches are whole"
    }

    fn turn(&mut self, scene: &Scene, _turn: &KeptTurn, events: &[Event]) -> Judged {
        let created: BTreeSet<&str> = events.iter().filter_map(created_id).collect();
        if created.is_empty() {
            return scene.no_opinion();
        }
        for asked in scene.ledger.asked.values() {
            let Ask::StartMany(starts) = &asked.ask else { continue };
            let is_theirs = |start: &&Start| !scene.is_of_another(&start.run_id);
            let (here, missing): (Vec<_>, Vec<_>) = starts
                .iter()
                .filter(is_theirs)
                .map(|start| &*start.run_id)
                .partition(|run_id| created.contains(run_id));
            if !here.is_empty() && !missing.is_empty() {
                return Err(format!("{here:?} are there, and {missing:?} are not"));
            }
        }
        Ok(())
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Ask::StartMany(starts) = &asked.ask else { return scene.no_opinion() };
        let run_ids: BTreeSet<&String> = starts.iter().map(|start| &start.run_id).collect();
        let is_odd = run_ids.len() < starts.len()
            || starts.iter().any(|start| start.is_chosen || start.key.is_some());
        let is_right = match asked.answer.as_ref().expect("it was answered") {
            Ok(_) => !is_odd,
            Err(refusal) => refusal.code != "PF1107" || is_odd,
        };
        if is_right { Ok(()) } else { Err(format!("{starts:?} was answered {:?}", asked.answer)) }
    }
}

fn created_id(event: &Event) -> Option<&str> {
    let Event::RunCreated(created) = event else { return None };
    Some(&created.run_id)
}
