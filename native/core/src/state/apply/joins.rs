//! When a task opens that waits for others, given how those ended.

use super::shift::Moving;
use crate::definition::{Join, Kind};
use crate::ids::TaskIndex;
use crate::seeded::{Bug, is_planted};
use crate::state::Run;
use crate::state::instance::{Ending, Instance, Verdict};
use crate::state::run::JoinCounts;

/// What a settled dependency does to a task that waits for it.
pub(super) enum Opening {
    Waits,
    Opens,
    Ends(Ending),
}

/// What a join knows when one of its dependencies has ended.
struct Known {
    succeeded: u32,
    failed: u32,
    /// Dependencies that have not ended.
    left: u32,
    /// Whether a decision that has not been taken may still pass the task over.
    is_undecided: bool,
}

impl Moving<'_> {
    /// Tells one task the end of one of its dependencies.
    pub(super) fn deliver(&mut self, from: TaskIndex, to: TaskIndex) -> Opening {
        let verdict = self.run.verdict(from, to);
        let Instance::Pending { unmet, succeeded } = &mut self.run.instances[to.index()] else {
            return Opening::Waits; // It has opened or ended already.
        };
        *unmet -= 1;
        *succeeded |= verdict == Verdict::Success;
        let (left, any_succeeded) = (*unmet, *succeeded);
        let opening = if self.run.is_passed_over(to) {
            Opening::Ends(Ending::Skipped)
        } else {
            match self.run.definition.options(to).join {
                Join::AllSuccess => all_success(verdict, left, any_succeeded),
                join @ (Join::AllDone
                | Join::AnySuccess
                | Join::NoneFailedMinOneSuccess
                | Join::CountOf(_)) => self.count_join(join, to, verdict, left),
            }
        };
        if !matches!(opening, Opening::Waits)
            && let Some(extra) = &mut self.run.extra
        {
            extra.joins.remove(&to.0);
        }
        opening
    }

    fn count_join(&mut self, join: Join, to: TaskIndex, verdict: Verdict, left: u32) -> Opening {
        let counts = self.run.extra_mut().joins.entry(to.0).or_default();
        match verdict {
            Verdict::Success => counts.succeeded += 1,
            Verdict::Failure => counts.failed += 1,
            Verdict::Skip => {}
        }
        let JoinCounts { succeeded, failed } = *counts;
        let is_undecided = self.run.is_undecided(to);
        counted(join, &Known { succeeded, failed, left, is_undecided })
    }
}

fn all_success(verdict: Verdict, left: u32, any_succeeded: bool) -> Opening {
    match verdict {
        Verdict::Failure => Opening::Ends(Ending::Unreached),
        Verdict::Success | Verdict::Skip if left > 0 => Opening::Waits,
        Verdict::Success | Verdict::Skip if any_succeeded => Opening::Opens,
        Verdict::Success | Verdict::Skip => Opening::Ends(Ending::Skipped),
    }
}

fn counted(join: Join, known: &Known) -> Opening {
    let given_up = if known.failed > 0 { Ending::Unreached } else { Ending::Skipped };
    let wanted = match join {
        Join::AllSuccess => unreachable!("it is decided without counts"),
        Join::AllDone if known.left == 0 => return Opening::Opens,
        Join::AllDone => return Opening::Waits,
        Join::NoneFailedMinOneSuccess if known.failed > 0 && !is_planted(Bug::FailureNotSeen) => {
            return Opening::Ends(Ending::Unreached);
        }
        Join::NoneFailedMinOneSuccess if known.left > 0 => return Opening::Waits,
        Join::NoneFailedMinOneSuccess | Join::AnySuccess => 1,
        Join::CountOf(wanted) if is_planted(Bug::JoinOpensEarly) => (wanted - 1).max(1),
        Join::CountOf(wanted) => wanted,
    };
    if known.succeeded >= wanted {
        if known.is_undecided && !is_planted(Bug::DecisionNotAwaited) {
            Opening::Waits
        } else {
            Opening::Opens
        }
    } else if known.succeeded + known.left < wanted {
        Opening::Ends(given_up)
    } else {
        Opening::Waits
    }
}

impl Run {
    /// What the end of `from` says to `to`: a decision speaks by its branches.
    fn verdict(&self, from: TaskIndex, to: TaskIndex) -> Verdict {
        let ending = self.ending(from.instance()).expect("only what has ended is told of");
        let verdict = ending.verdict();
        let is_branch = verdict == Verdict::Success
            && self.definition.kind(from) == Kind::Decision
            && self.definition.deciders(to).contains(&from);
        if !is_branch {
            return verdict;
        }
        let taken = self.branch_taken(from).map(|branch| branch as usize);
        let branch = taken.and_then(|branch| self.definition.branches(from).get(branch));
        let chosen = branch.is_some_and(|branch| branch.chooses(to));
        if chosen { Verdict::Success } else { Verdict::Skip }
    }

    /// Whether every decision that names `task` has ended without choosing it.
    fn is_passed_over(&self, task: TaskIndex) -> bool {
        let deciders = self.definition.deciders(task);
        !deciders.is_empty()
            && deciders.iter().all(|decision| {
                self.ending(decision.instance()).is_some()
                    && self.verdict(*decision, task) == Verdict::Skip
            })
    }

    /// Whether no decision has chosen `task` yet and one that may is still to be taken.
    fn is_undecided(&self, task: TaskIndex) -> bool {
        let deciders = self.definition.deciders(task);
        let (ended, open): (Vec<TaskIndex>, Vec<TaskIndex>) =
            deciders.iter().partition(|decision| self.ending(decision.instance()).is_some());
        let is_chosen = || ended.iter().any(|d| self.verdict(*d, task) == Verdict::Success);
        !open.is_empty() && !is_chosen()
    }
}
