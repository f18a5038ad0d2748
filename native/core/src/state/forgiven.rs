//! Which failures a run can live with.

use super::{Ending, Failure, Run};
use crate::definition::Join;
use crate::ids::{InstanceIndex, TaskIndex};

impl Run {
    /// The first failure that no handler mended and no join took in its stride.
    pub fn unforgiven_failure(&self) -> Option<&Failure> {
        self.failures().iter().find(|failure| {
            let is_task = failure.instance.index() < self.definition().task_count();
            is_task && !failure.recovered && reaches_the_end(self, failure.instance)
        })
    }
}

/// Whether a failure reaches the end of the graph: it travels along edges until a join that needs
/// no success of it (`any_success`, `n_of_m`) has opened.
fn reaches_the_end(run: &Run, instance: InstanceIndex) -> bool {
    let definition = run.definition();
    let task = TaskIndex(instance.0);
    if run.ending(instance) == Some(Ending::Mended) || definition.is_handler(task) {
        return false;
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut stack = vec![task];
    while let Some(next) = stack.pop() {
        let successors = definition.successors(next);
        if successors.is_empty() {
            return true;
        }
        for successor in successors {
            let successor = TaskIndex(*successor);
            let ending = run.ending(successor.instance());
            let forgives =
                matches!(definition.options(successor).join, Join::AnySuccess | Join::CountOf(_))
                    && ending != Some(Ending::Unreached);
            if forgives {
                continue;
            }
            if ending != Some(Ending::Unreached) {
                return true; // It ran all the same, as `all_done` does: nothing is forgiven.
            }
            if seen.insert(successor) {
                stack.push(successor);
            }
        }
    }
    false
}
