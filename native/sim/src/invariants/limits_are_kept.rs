//! P39: no more is at work at once than a type, a key, a map or a run allows.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::Run;
use crate::world::{Limit, Scene, Subject};

#[derive(Debug)]
pub(crate) struct LimitsAreKept;

impl Invariant for LimitsAreKept {
    fn name(&self) -> &'static str {
        "P39 limits are kept"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(_) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        if let Some(most) = found.run.flow.max_concurrent_tasks {
            below(found.run.leased().count(), most, &format!("run {}", found.run.id))?;
        }
        let Some(most) = found.task().options.concurrency else { return scene.no_opinion() };
        below(rivals(scene, &found), most, &found.name())
    }
}

fn below(count: usize, most: u32, what: &str) -> Judged {
    if count < most as usize {
        return Ok(());
    }
    Err(format!("{what}: one more while {count} of {most} are at work"))
}

/// What is at work under the same limit.
fn rivals(scene: &Scene, found: &Subject<'_>) -> usize {
    let (run, task) = (found.run, found.task_index);
    match Limit::of(run, found.instance) {
        Some(limit) => scene.at_work_under(limit, found.task().worker_type()),
        None => items_at_work(run, task),
    }
}

fn items_at_work(run: &Run, map: usize) -> usize {
    let of_map = |instance| run.place(instance).is_some_and(|(task, _)| task == map);
    run.leased().filter(|(instance, _)| of_map(*instance)).count()
}
