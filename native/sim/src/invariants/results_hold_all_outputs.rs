//! P9: the result of a run is made of what its tasks put out, all of it.

use pyflow_core::event::Event;
use serde_json::{Map, Value};

use super::invariant::{Invariant, Judged};
use crate::flows::Work;
use crate::model::Run;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct ResultsHoldAllOutputs;

impl Invariant for ResultsHoldAllOutputs {
    fn name(&self) -> &'static str {
        "P9 results hold all outputs"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunCompleted(completed) = event else { return scene.no_opinion() };
        let Some(run) = scene.model.run(completed.run.0) else { return scene.no_opinion() };
        let told: Value = serde_json::from_slice(&completed.result.json())
            .map_err(|error| format!("the result of run {} is no JSON: {error}", run.id))?;
        let wanted = expected(run);
        if told == wanted || run.is_blurred {
            return Ok(());
        }
        let (told, wanted) = (shown(&told), shown(&wanted));
        Err(format!("the result of run {} is {told}, not {wanted}", run.id))
    }
}

fn expected(run: &Run) -> Value {
    if let Some(task) = run.flow.result_of {
        return output(run, task);
    }
    let tasks = (0..run.flow.tasks.len()).filter(|task| !run.flow.is_handler(*task));
    let outputs = tasks.map(|task| (run.flow.tasks[task].id.clone(), output(run, task)));
    Value::Object(outputs.collect::<Map<_, _>>())
}

fn output(run: &Run, task: usize) -> Value {
    let plan = &run.flow.tasks[task];
    // The core makes these by itself.
    debug_assert!(!matches!(plan.work, Work::Noop) || run.entries[task].output().is_none());
    let output = run.entries[task].output();
    output.map_or(Value::Null, |json| serde_json::from_slice(json).unwrap_or(Value::Null))
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}
