//! What is wrong with a definition, and where.

use crate::expr::ExprError;
use crate::limits::PROBLEM_COUNT_MAX;
use crate::names::{closest, shown};

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place in the document, as `tasks[3].depends_on[0]`.
    pub path: String,
    /// What was wanted, what was found, what to do.
    pub message: String,
    /// Characters into the text at `path`, where it is an expression that is wrong.
    pub offset: Option<usize>,
    /// Whether it is the key at `path` that is wrong, not its value.
    pub is_key: bool,
}

impl Problem {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), offset: None, is_key: false }
    }

    /// A key that nothing is known by.
    pub fn of_key(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { is_key: true, ..Self::new(path, message) }
    }

    /// What an expression in the text at `path`, or in a part of the value there, was refused with.
    pub(super) fn of_expression(path: &str, error: &ExprError) -> Self {
        let path = format!("{path}{}", error.place);
        match error.column {
            None => Self::new(path, error.message.clone()),
            Some(offset) => {
                let message = format!("{}, at character {}", error.message, offset + 1);
                Self { offset: Some(offset), ..Self::new(path, message) }
            }
        }
    }
}

/// A step of a path to a field: `.name`, or `["any name"]` where dots and brackets would mislead.
pub(super) fn member(name: &str) -> String {
    let is_plain = !name.is_empty() && !name.contains(['.', '[', ']', '"']);
    if is_plain { format!(".{}", shown(name)) } else { format!("[\"{}\"]", shown(name)) }
}

/// Problems for which the name that was probably meant is looked for: the search costs more than
/// all the rest.
const HINT_COUNT_MAX: usize = 20;

/// What to add to a name that is not known, after so many other problems.
pub(super) fn hint<'a>(
    before_count: usize,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> String {
    let near = if before_count < HINT_COUNT_MAX { closest(name, known) } else { None };
    near.map_or_else(String::new, |near| format!("; did you mean {:?}?", shown(near)))
}

/// As [`hint`], naming all where none is near.
pub(super) fn hint_or_all(before_count: usize, name: &str, known: &[&str]) -> String {
    let near = hint(before_count, name, known.iter().copied());
    if near.is_empty() { format!("; known are {}", known.join(", ")) } else { near }
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
