//! What follows from what has happened: which tasks open, and which end without having begun.

use super::entry::{End, Phase};
use super::run::Run;
use super::stage::Stage;
use super::verdict::Verdict;
use crate::flows::Join;

/// What a task that waits is to do now.
#[derive(Clone, Debug, PartialEq)]
enum Standing {
    Waits,
    Opens,
    Ends(End),
    /// Two ends that exclude each other are both due: which came first is not told.
    Unclear,
}

/// What is known of the dependencies of a task.
#[derive(Debug, Default)]
struct Counted {
    succeeded: u32,
    failed: u32,
    left: u32,
}

impl Run {
    /// Draws all conclusions of the latest event.
    pub(super) fn conclude(&mut self, at: u64) {
        if self.is_blurred || self.started_at.is_none() {
            return;
        }
        if self.stop.is_some() {
            while self.mend() {}
            return; // Nothing opens in a run that is being stopped.
        }
        if self.stage.has_ended() || self.stage == Stage::Created {
            return;
        }
        loop {
            let mut changed = false;
            while self.mend() {
                changed = true;
            }
            for task in 0..self.flow.tasks.len() {
                if self.entries[task].phase != Phase::Waiting {
                    continue;
                }
                match self.standing(task) {
                    Standing::Waits => continue,
                    Standing::Opens => self.entries[task].opens(at),
                    Standing::Ends(end) => self.entries[task].ends(end),
                    Standing::Unclear => {
                        self.is_blurred = true;
                        return;
                    }
                }
                changed = true;
            }
            changed |= self.go_on_with_maps(at);
            if !changed {
                return;
            }
        }
    }

    /// The outputs of handlers stand in for those of what they have mended.
    fn mend(&mut self) -> bool {
        let mut changed = false;
        for task in 0..self.flow.tasks.len() {
            let handler = self.flow.tasks[task].handler.filter(|handler| handler.recovers);
            let Some(handler) = handler else { continue };
            let entry = &self.entries[task];
            if entry.end() != Some(&End::Failed) {
                continue;
            }
            if let Some(End::Completed(output) | End::Mended(output)) =
                self.entries[handler.task].end().cloned()
            {
                self.entries[task].ends(End::Mended(output));
                changed = true;
            }
        }
        changed
    }

    fn standing(&self, task: usize) -> Standing {
        let plan = &self.flow.tasks[task];
        if self.flow.on_error == Some(task) {
            let is_called = self.is_settled() && self.has_unforgiven_failure();
            return if is_called { Standing::Opens } else { Standing::Waits };
        }
        if let Some(owner) = plan.handles {
            return match self.entries[owner].end() {
                None => Standing::Waits,
                Some(End::Failed | End::Quarantined) => Standing::Opens,
                Some(_) => Standing::Ends(End::Skipped),
            };
        }
        if plan.deps.is_empty() {
            return Standing::Opens;
        }
        self.joined(task)
    }

    fn joined(&self, task: usize) -> Standing {
        let plan = &self.flow.tasks[task];
        let mut counted = Counted::default();
        for dep in &plan.deps {
            match self.verdict(*dep, task).filter(|_| self.has_spoken(*dep)) {
                Some(Verdict::Success) => counted.succeeded += 1,
                Some(Verdict::Failure) => counted.failed += 1,
                Some(Verdict::Skip) => {}
                None => counted.left += 1,
            }
        }
        let fails_at_once = counted.failed > 0
            && matches!(plan.join, Join::AllSuccess | Join::NoneFailedMinOneSuccess);
        if self.is_passed_over(task) {
            return if fails_at_once { Standing::Unclear } else { Standing::Ends(End::Skipped) };
        }
        if fails_at_once {
            return Standing::Ends(End::Unreached);
        }
        self.count_out(task, &counted)
    }

    fn count_out(&self, task: usize, counted: &Counted) -> Standing {
        let &Counted { succeeded, failed, left } = counted;
        let wanted = match self.flow.tasks[task].join {
            Join::AllDone if left == 0 => return Standing::Opens,
            Join::AllDone => return Standing::Waits,
            Join::AllSuccess | Join::NoneFailedMinOneSuccess if left > 0 => return Standing::Waits,
            Join::AllSuccess | Join::NoneFailedMinOneSuccess | Join::AnySuccess => 1,
            Join::CountOf(wanted) => wanted,
        };
        if succeeded >= wanted {
            return if self.is_undecided(task) { Standing::Waits } else { Standing::Opens };
        }
        if succeeded + left >= wanted {
            return Standing::Waits;
        }
        // Without what has failed it would be over too, and that may have come after.
        if failed > 0 && succeeded + left + failed < wanted {
            return Standing::Unclear;
        }
        Standing::Ends(if failed > 0 { End::Unreached } else { End::Skipped })
    }

    /// Whether every decision that names the task has ended without choosing it.
    fn is_passed_over(&self, task: usize) -> bool {
        let mut deciders = self.flow.deciders(task).peekable();
        deciders.peek().is_some()
            && deciders.all(|decider| self.verdict(decider, task) == Some(Verdict::Skip))
    }

    /// Whether no decision has chosen the task yet, and one that may is still to be taken.
    fn is_undecided(&self, task: usize) -> bool {
        let verdicts: Vec<Option<Verdict>> =
            self.flow.deciders(task).map(|decider| self.verdict(decider, task)).collect();
        verdicts.contains(&None) && !verdicts.contains(&Some(Verdict::Success))
    }
}
