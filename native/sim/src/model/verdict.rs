//! What the end of a task says to those that wait for it.

use super::entry::End;
use super::run::Run;
use crate::flows::{Flow, Join, Work};

/// What an ended task says to one that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    Failure,
    Skip,
}

impl Run {
    /// Whether a task has ended and has told so: one that failed is silent until its handler ended.
    pub(super) fn has_spoken(&self, task: usize) -> bool {
        let entry = &self.entries[task];
        match self.flow.tasks[task].handler {
            Some(handler) if entry.has_failed() => self.has_spoken(handler.task),
            Some(_) | None => entry.end().is_some(),
        }
    }

    /// What the end of `from` says to `to`: a decision speaks by its branches.
    pub(super) fn verdict(&self, from: usize, to: usize) -> Option<Verdict> {
        let verdict = match self.entries[from].end()? {
            End::Completed(_) | End::Mended(_) => Verdict::Success,
            End::Failed | End::Quarantined | End::Cancelled | End::Unreached => Verdict::Failure,
            End::Skipped => Verdict::Skip,
        };
        let is_branch =
            verdict == Verdict::Success && self.flow.deciders(to).any(|decider| decider == from);
        if is_branch && !self.chosen_by(from).contains(&to) {
            return Some(Verdict::Skip);
        }
        Some(verdict)
    }

    /// The tasks that a decision chooses, by the condition that the seed has drawn for it.
    pub(crate) fn chosen_by(&self, decision: usize) -> Vec<usize> {
        match &self.flow.tasks[decision].work {
            Work::Decision { branches, default } => {
                let taken = branches.iter().find(|branch| self.holds(branch.condition));
                let default = || default.iter().copied().collect();
                taken.map_or_else(default, |branch| branch.targets.clone())
            }
            Work::Activity { .. }
            | Work::Map { .. }
            | Work::Noop
            | Work::Now
            | Work::Timer { .. }
            | Work::Gateway
            | Work::Transformation { .. } => Vec::new(),
        }
    }

    /// Whether a failure stands that no handler has mended and no join has taken in its stride.
    pub(crate) fn has_unforgiven_failure(&self) -> bool {
        self.unforgiven_failure().is_some()
    }

    /// The first such failure.
    pub(crate) fn unforgiven_failure(&self) -> Option<usize> {
        let failed = (0..self.flow.tasks.len()).filter(|task| {
            let has_failed = matches!(
                self.entries[*task].end(),
                Some(End::Failed | End::Quarantined | End::Cancelled)
            );
            has_failed
                && !self.flow.is_handler(*task)
                && self.reaches_the_end(*task, &mut Vec::new())
        });
        failed.min_by_key(|task| self.entries[*task].failed_as)
    }

    /// What a failed task is named by: a map by the first of its items that has failed.
    pub(crate) fn named_failure(&self, task: usize) -> usize {
        let Some((first, count)) = self.maps.get(&task).copied() else { return task };
        let has_failed = |item: &usize| {
            matches!(
                self.entries[*item].end(),
                Some(End::Failed | End::Quarantined | End::Cancelled | End::Unreached)
            )
        };
        (first..first + count).find(has_failed).unwrap_or(task)
    }

    /// The attempt that a task has failed with.
    pub(crate) fn failed_attempt(&self, task: usize) -> u32 {
        self.entries[self.named_failure(task)].attempt
    }

    /// A failure travels along edges until a join that needs no success of it has opened.
    fn reaches_the_end(&self, task: usize, seen: &mut Vec<usize>) -> bool {
        let mut after = self.flow.successors(task).peekable();
        if after.peek().is_none() {
            return true;
        }
        let mut after: Vec<usize> = after.collect();
        after.retain(|next| !seen.contains(next));
        after.into_iter().any(|next| match self.entries[next].end() {
            Some(End::Unreached) => {
                seen.push(next);
                self.reaches_the_end(next, seen)
            }
            Some(End::Skipped) => true,
            Some(
                End::Completed(_)
                | End::Failed
                | End::Mended(_)
                | End::Quarantined
                | End::Cancelled,
            )
            | None => !forgives(&self.flow, next),
        })
    }
}

fn forgives(flow: &Flow, task: usize) -> bool {
    match flow.tasks[task].join {
        Join::AnySuccess | Join::CountOf(_) => true,
        Join::AllSuccess | Join::AllDone | Join::NoneFailedMinOneSuccess => false,
    }
}
