//! Which outputs a task may read.

use std::collections::BTreeSet;

use super::compiled::Definition;
use super::problem::Problem;
use crate::ids::TaskIndex;

/// Steps that the search for far-away outputs may take in all; past it, a reference to a task that
/// is not upstream is found when it is evaluated.
const ANCESTOR_STEPS_MAX: usize = 20_000_000;

/// The direct dependencies of a task: as they lie where they are few, sorted where they are many.
enum Near<'a> {
    Few(&'a [u32]),
    Many(BTreeSet<u32>),
}

impl<'a> Near<'a> {
    fn of(predecessors: &'a [u32]) -> Self {
        if predecessors.len() <= 16 {
            Self::Few(predecessors)
        } else {
            Self::Many(predecessors.iter().copied().collect())
        }
    }

    fn contains(&self, task: TaskIndex) -> bool {
        match self {
            Self::Few(tasks) => tasks.contains(&task.0),
            Self::Many(tasks) => tasks.contains(&task.0),
        }
    }
}

/// A task reads the outputs of tasks upstream of it only: others may not have ended yet.
pub(super) fn unreachable_reads(definition: &Definition) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut steps_left = ANCESTOR_STEPS_MAX;
    for task in definition.tasks() {
        let near = Near::of(definition.predecessors(task));
        let mut far = Vec::new();
        definition.for_each_read(task, |source| {
            if !near.contains(source) {
                far.push(source);
            }
        });
        if far.is_empty() || definition.is_handler(task) {
            continue;
        }
        for source in not_upstream(definition, task, far, &mut steps_left) {
            let (id, source) = (definition.id(task), definition.id(source));
            let message = format!(
                "{id:?} reads output.{source}, which is not upstream of it; \
                 add {source:?} to its depends_on"
            );
            problems.push(Problem::new(format!("tasks[{}].depends_on", task.0), message));
        }
    }
    problems
}

/// Those of `wanted` that no path leads from to `task`, as far as the steps last.
fn not_upstream(
    definition: &Definition,
    task: TaskIndex,
    mut wanted: Vec<TaskIndex>,
    steps_left: &mut usize,
) -> Vec<TaskIndex> {
    let mut seen = BTreeSet::new();
    let mut stack = vec![task.0];
    while let Some(next) = stack.pop() {
        for source in definition.predecessors(TaskIndex(next)) {
            if *steps_left == 0 {
                return Vec::new();
            }
            *steps_left -= 1;
            if seen.insert(*source) {
                wanted.retain(|task| task.0 != *source);
                stack.push(*source);
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    wanted
}
