//! P1, P19: what was asked of a run or a task and granted has happened, and what may be asked is granted.

use std::rc::Rc;

use pyflow_engine::Refusal;

use super::invariant::{Invariant, Judged};
use crate::model::{End, Entry, Phase, Recorded, Run, Stage};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct ControlsDoWhatTheySay;

impl Invariant for ControlsDoWhatTheySay {
    fn name(&self) -> &'static str {
        "P19 controls do what they say"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Some(before) = &asked.before else { return scene.no_opinion() };
        let Some(now) = scene.model.run(before.number) else { return scene.no_opinion() };
        let control = Control { before, since: &now.history[before.history.len()..] };
        let is_right = match &asked.answer {
            Some(Ok(_)) => control.is_done(&asked.ask),
            Some(Err(refusal)) => !is_about_the_state(refusal) || control.may_refuse(&asked.ask),
            None => return scene.no_opinion(),
        };
        if is_right || before.is_blurred || now.is_blurred {
            return Ok(());
        }
        let (ask, word, answer) = (&asked.ask, before.stage.word(), &asked.answer);
        Err(format!(
            "{ask:?} of a run that was {word} was answered {answer:?}, and then there was {:?}",
            control.since
        ))
    }
}

/// Whether it was refused for what the run or the task is doing.
fn is_about_the_state(refusal: &Refusal) -> bool {
    matches!(refusal.code, "PF1104" | "PF1106" | "PF1105")
}

/// A run as it was when something was asked of it, and what was recorded of it since.
struct Control<'a> {
    before: &'a Rc<Run>,
    since: &'a [Recorded],
}

impl Control<'_> {
    fn has(&self, kind: &str) -> bool {
        self.since.iter().any(|recorded| recorded.kind == kind)
    }

    fn has_of(&self, kind: &str, instance: usize) -> bool {
        let mut since = self.since.iter();
        since.any(|recorded| recorded.kind == kind && recorded.instance == Some(instance))
    }

    /// Whether what was granted is on record, or was so before.
    fn is_done(&self, ask: &Ask) -> bool {
        let stage = self.before.stage;
        match ask {
            Ask::Pause { .. } => stage == Stage::Paused || self.has("RunPaused"),
            Ask::Resume { .. } => stage != Stage::Paused || self.has("RunResumed"),
            Ask::Cancel { .. } => {
                self.before.stop.is_some()
                    || self.has("RunCancelRequested")
                    || self.has("RunDeadlineExceeded")
            }
            Ask::CancelTask { task_id, .. } => {
                self.found(task_id).is_none_or(|(instance, entry)| {
                    entry.end() == Some(&End::Cancelled)
                        || entry.lease().is_some_and(|lease| lease.stop_asked)
                        || self.has_of("TaskCancelRequested", instance)
                        || self.has_of("TaskCancelled", instance)
                })
            }
            Ask::RecoverTask { task_id, .. } => self
                .found(task_id)
                .is_none_or(|(instance, _)| self.is_recovered(instance) || self.has("RunReopened")),
            Ask::Recover { .. } => self.is_all_recovered(),
            _ => true,
        }
    }

    fn found(&self, task_id: &str) -> Option<(usize, &Entry)> {
        let mut entries = self.before.entries.iter().enumerate();
        entries.find(|(instance, _)| self.before.name(*instance) == task_id)
    }

    /// Whether all that had failed of an instance is done anew: of a map, its failed items.
    fn is_recovered(&self, instance: usize) -> bool {
        let items = self.before.maps.get(&instance).copied().unwrap_or((0, 0));
        let mut parts: Vec<usize> =
            (items.0..items.0 + items.1).filter(|item| self.had_failed(*item)).collect();
        if parts.is_empty() && self.had_failed(instance) {
            parts.push(instance);
        }
        parts.into_iter().all(|part| self.has_of("TaskRecovered", part))
    }

    fn had_failed(&self, instance: usize) -> bool {
        let entry = &self.before.entries[instance];
        match entry.end() {
            Some(End::Failed | End::Quarantined) => true,
            Some(End::Cancelled) => !entry.is_stopped,
            Some(End::Completed(_) | End::Mended(_) | End::Skipped | End::Unreached) | None => {
                false
            }
        }
    }

    /// Whether every task that had failed is done anew, and what had failed of the lists at work. What a
    /// handler was called for while the run went on is another matter.
    fn is_all_recovered(&self) -> bool {
        let (flow, entries) = (&self.before.flow, &self.before.entries);
        let is_over = self.before.stage == Stage::Failed;
        let is_at_work = matches!(self.before.stage, Stage::Running | Stage::Paused);
        let tasks = (0..flow.tasks.len()).filter(|task| !flow.is_handler(*task));
        let mut wanted = tasks.filter(|task| {
            let goes_on = is_at_work && flow.tasks[*task].handler.is_none();
            (is_over && self.had_failed(*task))
                || (goes_on && (entries[*task].end().is_none() || self.had_failed(*task)))
        });
        wanted.all(|task| self.is_recovered(task))
    }

    /// Whether a refusal is right, or may be: something has happened meanwhile.
    fn may_refuse(&self, ask: &Ask) -> bool {
        let stage = self.before.stage;
        let is_live = matches!(stage, Stage::Created | Stage::Running | Stage::Paused);
        if self.since.iter().any(|recorded| recorded.kind.starts_with("Run")) {
            return true;
        }
        match ask {
            Ask::Pause { .. } | Ask::Resume { .. } => !is_live,
            Ask::Cancel { .. } => matches!(stage, Stage::Completed | Stage::Failed),
            Ask::CancelTask { task_id, .. } => {
                let is_at_work =
                    is_live && stage != Stage::Created && self.before.started_at.is_some();
                let has_ended = self.found(task_id).is_none_or(|(_, entry)| {
                    entry.end().is_some_and(|end| *end != End::Cancelled)
                        || entry.phase == Phase::Mapped
                });
                // What was recorded since may have ended it without a word.
                !is_at_work || has_ended || !self.since.is_empty()
            }
            // What has happened to a task may have ended its handler, or begun it.
            Ask::RecoverTask { task_id, .. } => {
                stage != Stage::Failed
                    || self.found(task_id).is_none_or(|(instance, _)| {
                        let task = self.before.place(instance).map_or(0, |(task, _)| task);
                        !self.had_failed(instance)
                            || self.before.flow.is_handler(task)
                            || self.is_mended(task)
                    })
            }
            Ask::Recover { .. } => {
                let tasks = 0..self.before.flow.tasks.len();
                let mut failed = tasks.filter(|task| !self.before.flow.is_handler(*task));
                stage != Stage::Failed || !failed.any(|task| self.had_failed(task))
            }
            _ => true,
        }
    }

    fn is_mended(&self, task: usize) -> bool {
        matches!(self.before.entries[task].end(), Some(End::Mended(_)))
    }
}
