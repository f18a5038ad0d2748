//! P40: no more is at work at once than a type, a key, a map or a run allows.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::flows::Key;
use crate::model::Run;
use crate::world::{Scene, Subject};

#[derive(Debug)]
pub(crate) struct LimitsAreKept;

impl Invariant for LimitsAreKept {
    fn name(&self) -> &'static str {
        "P40 limits are kept"
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
    let mine = found.task();
    let same = |run: &Run, instance: usize| {
        let Some((task, _)) = run.place(instance) else { return false };
        let other = &run.flow.tasks[task];
        match mine.options.concurrency_key {
            Some(Key::Shared) => other.options.concurrency_key == Some(Key::Shared),
            Some(Key::OfRun) => {
                run.number == found.run.number && other.options.concurrency_key == Some(Key::OfRun)
            }
            None if mine.is_map() => run.number == found.run.number && task == found.task_index,
            None => {
                other.options.concurrency_key.is_none()
                    && !other.is_map()
                    && other.worker_type() == mine.worker_type()
            }
        }
    };
    let leased = |run: &Run| run.leased().filter(|(instance, _)| same(run, *instance)).count();
    scene.model.runs.values().map(leased).sum()
}
