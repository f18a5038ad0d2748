//! What an event is about, and what of the world it depends on.

use pyflow_core::event::Event;

use super::scene::Scene;
use super::workers::Held;
use crate::flows::Task;
use crate::model::{Entry, Phase, Run};

/// A task or an item, as the model knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) run: &'a Run,
    pub(crate) task_index: usize,
    pub(crate) item: Option<usize>,
    pub(crate) instance: usize,
    pub(crate) entry: &'a Entry,
}

impl<'a> Subject<'a> {
    pub(crate) fn name(&self) -> String {
        format!("{} of run {}", self.run.name(self.instance), self.run.id)
    }

    pub(crate) fn task(&self) -> &'a Task {
        &self.run.flow.tasks[self.task_index]
    }

    /// Whether it is done by a worker: an item of a map is, the map itself is not.
    pub(crate) fn is_work(&self) -> bool {
        self.run.is_work(self.instance)
    }
}

impl Scene {
    /// The instance that an event is about, where it is about one that is known.
    pub(crate) fn subject(&self, event: &Event) -> Option<Subject<'_>> {
        let run = self.model.run(event.run()?.0)?;
        let instance = event.instance()?.index();
        let (task_index, item) = run.place(instance)?;
        let entry = run.entries.get(instance)?;
        Some(Subject { run, task_index, item, instance, entry })
    }

    /// What a worker holds, as the model knows it.
    pub(crate) fn entry_of(&self, held: &Held) -> Option<&Entry> {
        let run = self.model.by_id(&held.run_id)?;
        run.entries.get(run.instance_of(held.task, held.item)?)
    }

    /// Whether the process takes writes now.
    pub(crate) fn takes_writes(&self) -> bool {
        self.engine.as_ref().is_some_and(|engine| engine.digest().is_some())
    }

    /// Whether something must run alone for a while, so that slots are kept free for it.
    pub(crate) fn has_suspects(&self) -> bool {
        let live = self.model.live().flat_map(|run| &run.entries);
        let is_clear = self.now >= self.model.alone_until;
        !is_clear
            || live
                .filter(|entry| !matches!(entry.phase, Phase::Ended(_)))
                .any(|entry| entry.alone_ms().is_some())
    }

    /// Whether a worker has room for an instance.
    pub(crate) fn has_slot(&self, run: &Run, instance: usize) -> bool {
        let task_type =
            run.place(instance).and_then(|(task, _)| run.flow.tasks[task].worker_type());
        let Some(task_type) = task_type else { return false };
        self.workers.present.iter().any(|worker| worker.has_room(task_type))
    }
}
