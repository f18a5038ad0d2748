//! P18, P9: a run ends when all of it has ended, as what that amounts to, and not a turn later.

use pyflow_core::event::{Event, RunFailed};
use pyflow_core::ids::InstanceIndex;

use super::invariant::{Invariant, Judged};
use crate::model::{Run, Stage, Stop};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct RunsEndAsTheyShould;

impl Invariant for RunsEndAsTheyShould {
    fn name(&self) -> &'static str {
        "P9 runs end as they should"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(run) = event.run().and_then(|run| scene.model.run(run.0)) else {
            return scene.no_opinion();
        };
        let is_right = match event {
            Event::RunCompleted(_) => is_done(run) && !has_failed(run),
            Event::RunFailed(_) if run.stop == Some(Stop::Deadline) => true,
            Event::RunFailed(_) => is_done(run) && has_failed(run) && is_handled(run),
            Event::RunCancelled(cancelled) => {
                let is_reason = run.stop_reason.as_ref() == Some(&cancelled.reason);
                run.stop == Some(Stop::Cancel) && is_reason
            }
            _ => return scene.no_opinion(),
        };
        if let Event::RunFailed(failed) = event
            && run.stop.is_none()
            && !run.is_blurred
        {
            names_the_first(run, failed)?;
        }
        let is_idle = run.leased().next().is_none();
        if is_idle && (is_right || run.is_blurred) {
            return Ok(());
        }
        Err(format!("{} of run {}: {}", event.kind(), run.id, standing(run)))
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() {
            return scene.no_opinion();
        }
        let late = scene.model.live().find(|run| {
            let is_stopped = run.stop.is_some() && run.leased().next().is_none();
            let is_over = run.stage == Stage::Running
                && !run.is_blurred
                && is_done(run)
                && (!has_failed(run) || is_handled(run));
            is_stopped || is_over
        });
        match late {
            Some(run) => Err(format!("run {} has not ended: {}", run.id, standing(run))),
            None => Ok(()),
        }
    }
}

/// Whether a run fails with the first failure that nothing has mended.
fn names_the_first(run: &Run, failed: &RunFailed) -> Judged {
    let Some(task) = run.unforgiven_failure() else { return Ok(()) };
    let (wanted, told) = (run.named_failure(task), failed.instance.map(InstanceIndex::index));
    let error = run.entries[task].error.as_deref();
    let is_right = told == Some(wanted) && error.is_none_or(|error| *error == *failed.error);
    if is_right {
        return Ok(());
    }
    let (name, told) = (run.name(wanted), told.map(|instance| run.name(instance)));
    Err(format!("run {} failed with {name}, not with {told:?}: {:?}", run.id, failed.error))
}

fn is_done(run: &Run) -> bool {
    run.is_settled()
}

fn has_failed(run: &Run) -> bool {
    run.has_unforgiven_failure()
}

/// Whether its own error handler, where it has one, has ended.
fn is_handled(run: &Run) -> bool {
    run.flow.on_error.is_none_or(|handler| run.entries[handler].end().is_some())
}

fn standing(run: &Run) -> String {
    let tasks = (0..run.entries.len()).map(|instance| {
        let entry = &run.entries[instance];
        format!("{} {}", run.name(instance), entry.word())
    });
    let shown: Vec<String> = tasks.collect();
    format!("{}; {}", run.stage.word(), shown.join(", "))
}
