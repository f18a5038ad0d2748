//! P12: a task is given the outputs that were recorded, and an item its own item.

use pyflow_core::decide::Rendered;
use pyflow_core::effect::Granted;

use super::invariant::{Invariant, Judged};
use crate::flows::{Items, Work};
use crate::world::{Held, Scene};

#[derive(Debug)]
pub(crate) struct ArgumentsAreRight;

impl Invariant for ArgumentsAreRight {
    fn name(&self) -> &'static str {
        "P12 arguments are right"
    }

    fn granted(&mut self, scene: &Scene, granted: &Granted, held: &Held) -> Judged {
        let Some(run) = scene.model.by_id(&held.run_id) else { return Ok(()) };
        let task = &run.flow.tasks[held.task];
        let entry = scene.entry_of(held);
        if let Some(entry) = entry.filter(|entry| granted.details != entry.details) {
            let (told, kept) = (&granted.details, &entry.details);
            return Err(format!("{} goes on from {told:?}, not {kept:?}", task.id));
        }
        let shape = granted.definition.shape(granted.task);
        let given = |name: &str| {
            let place = shape.iter().position(|known| &**known == name)?;
            granted.args.values.get(place).map(Rendered::text)
        };
        if let Some(read) = task.reads {
            let wanted = run.entries[read].output().cloned().unwrap_or_else(|| "null".into());
            if given("value").as_ref() != Some(&wanted) && !run.is_blurred {
                let given = given("value");
                return Err(format!("{} is given {given:?}, not {wanted:?}", task.id));
            }
        }
        if let (Work::Map { items: Items::Numbers(_), .. }, Some(index)) = (&task.work, held.item) {
            let wanted = bytes::Bytes::from(index.to_string());
            if given("item").as_ref() != Some(&wanted) {
                let given = given("item");
                return Err(format!("{}[{index}] is given {given:?}", task.id));
            }
        }
        Ok(())
    }
}
