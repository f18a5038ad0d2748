//! What is wrong with a definition, and where.

use crate::limits::PROBLEM_COUNT_MAX;

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place in the document, as `tasks[3].depends_on[0]`.
    pub path: String,
    /// What was wanted, what was found, what to do.
    pub message: String,
}

impl Problem {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// Cuts a long list, saying how many were left out.
pub(super) fn bounded(mut problems: Vec<Problem>) -> Vec<Problem> {
    if problems.len() > PROBLEM_COUNT_MAX {
        let left_out = problems.len() - PROBLEM_COUNT_MAX;
        problems.truncate(PROBLEM_COUNT_MAX);
        problems.push(Problem::new("", format!("and {left_out} more problems")));
    }
    problems
}
