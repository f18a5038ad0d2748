//! Which failures a run can live with.

use std::collections::BTreeSet;

use super::{Ending, Failure, Run};
use crate::definition::Join;
use crate::ids::TaskIndex;

impl Run {
    /// The first failure that no handler mended and no join took in its stride.
    pub fn unforgiven_failure(&self) -> Option<&Failure> {
        // Tasks that were found to lead to no end are not looked at again for the next failure.
        let mut harmless = BTreeSet::new();
        self.failures().iter().find(|failure| {
            let task = TaskIndex(failure.instance.0);
            !failure.recovered
                && !self.is_item(failure.instance)
                && self.ending(failure.instance) != Some(Ending::Mended)
                && !self.definition().is_handler(task)
                && reaches_the_end(self, task, &mut harmless)
        })
    }
}

/// Whether a failure reaches the end of the graph: it travels along edges until a join that needs
/// no success of it (`any_success`, `n_of_m`) has opened.
fn reaches_the_end(run: &Run, task: TaskIndex, seen: &mut BTreeSet<TaskIndex>) -> bool {
    let definition = run.definition();
    let mut stack = vec![task];
    while let Some(next) = stack.pop() {
        let successors = definition.successors(next);
        if successors.is_empty() {
            return true;
        }
        for successor in successors.iter().map(|successor| TaskIndex(*successor)) {
            match run.ending(successor.instance()) {
                Some(Ending::Unreached) if seen.insert(successor) => stack.push(successor),
                Some(Ending::Unreached) => {}
                // Nothing came of it; whether it would have forgiven is not known.
                Some(Ending::Skipped) => return true,
                Some(
                    Ending::Completed
                    | Ending::Failed
                    | Ending::Mended
                    | Ending::Quarantined
                    | Ending::Cancelled,
                )
                | None => match definition.options(successor).join {
                    Join::AnySuccess | Join::CountOf(_) => {}
                    // It ran all the same, as `all_done` does: nothing is forgiven.
                    Join::AllSuccess | Join::AllDone | Join::NoneFailedMinOneSuccess => {
                        return true;
                    }
                },
            }
        }
    }
    false
}
