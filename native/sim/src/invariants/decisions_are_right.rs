//! P18: a decision takes the branch that its condition says, a gateway the first output there is, and
//! a map goes over the list that it was given.

use pyflow_core::event::Event;
use pyflow_core::time::Millis;

use super::invariant::{Invariant, Judged};
use crate::flows::{Items, Work};
use crate::model::{End, Run};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct DecisionsAreRight;

impl Invariant for DecisionsAreRight {
    fn name(&self) -> &'static str {
        "P18 decisions are right"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let (run, name) = (found.run, found.name());
        match (event, &found.task().work) {
            (Event::DecisionTaken(taken), Work::Decision { branches, .. }) => {
                let first = branches.iter().position(|branch| run.holds(branch.condition));
                let wanted = first.unwrap_or(branches.len());
                let is_right = taken.branch as usize == wanted || run.is_blurred;
                let told = || format!("{name}: branch {}, not {wanted}", taken.branch);
                if is_right { Ok(()) } else { Err(told()) }
            }
            (Event::GatewayPassed(passed), Work::Gateway) if !run.is_blurred => {
                let from = passed.from.map(pyflow_core::ids::TaskIndex::index);
                let wanted = first_output(run, found.task_index);
                let is_right = from == wanted;
                if is_right { Ok(()) } else { Err(format!("{name}: {from:?}, not {wanted:?}")) }
            }
            (Event::MapExpanded(expanded), Work::Map { items, .. }) => {
                let wanted = match items {
                    Items::Numbers(count) => {
                        let numbers: Vec<String> = (0..*count).map(|n| n.to_string()).collect();
                        Some(format!("[{}]", numbers.join(",")).into())
                    }
                    Items::OutputOf(dep) => run.entries[*dep].output().cloned(),
                };
                let given = expanded.items.json();
                let is_right = wanted.as_ref() == Some(&given) || run.is_blurred;
                if is_right { Ok(()) } else { Err(format!("{name}: {given:?}, not {wanted:?}")) }
            }
            (Event::TaskCompleted(done), Work::Transformation { has_items: true }) => {
                let told: serde_json::Value =
                    serde_json::from_slice(&done.output.json()).unwrap_or_default();
                let is_right = told["average_n"].as_f64() == Some(3.0);
                if is_right { Ok(()) } else { Err(format!("{name}: the average is {told}")) }
            }
            (Event::TaskCompleted(done), Work::Now) if !run.is_blurred => {
                let wanted = format!("\"{}\"", Millis(found.entry.first_ready_at));
                let told = done.output.json();
                let is_right = told == wanted.as_bytes();
                if is_right { Ok(()) } else { Err(format!("{name}: {told:?}, not {wanted}")) }
            }
            (Event::DecisionTaken(_) | Event::GatewayPassed(_) | Event::MapExpanded(_), _)
                if !run.is_blurred =>
            {
                Err(format!("{} of {name}, which is none", event.kind()))
            }
            _ => scene.no_opinion(),
        }
    }
}

fn first_output(run: &Run, task: usize) -> Option<usize> {
    let has_output =
        |dep: &&usize| matches!(run.entries[**dep].end(), Some(End::Completed(_) | End::Mended(_)));
    run.flow.tasks[task].deps.iter().find(has_output).copied()
}
