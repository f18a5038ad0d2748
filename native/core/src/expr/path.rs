//! A path from a root: the commonest expression, taken from JSON text without building the rest.

use std::fmt;
use std::sync::Arc;

use super::scope::Root;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(Arc<str>),
    Index(i64),
}

/// Where a path starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Root(Root),
    Output(Arc<str>),
}

/// `$.a.b`, `output.task.rows[0]` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) origin: Origin,
    pub(super) steps: Vec<Step>,
    /// Its number among the paths of the expression: where a loop keeps what it found.
    pub(super) slot: usize,
}

impl Path {
    /// The root it starts from; None where that is an output.
    pub(super) const fn root(&self) -> Option<Root> {
        match &self.origin {
            Origin::Root(root) => Some(*root),
            Origin::Output(_) => None,
        }
    }

    /// The path as its author would write it, up to `steps` steps.
    pub(super) fn upto(&self, steps: usize) -> Shown<'_> {
        Shown { path: self, steps }
    }
}

/// A path, or the first steps of one, as source text.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    path: &'a Path,
    steps: usize,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path.origin {
            Origin::Root(root) => f.write_str(root.name())?,
            Origin::Output(task) => write!(f, "output{}", Member(task))?,
        }
        for step in &self.path.steps[..self.steps] {
            match step {
                Step::Field(name) => write!(f, "{}", Member(name))?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// `.name`, or `["any name"]` where the name is not a plain word.
#[derive(Debug)]
pub(super) struct Member<'a>(pub(super) &'a str);

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_word = self.0.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
            && self.0.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if is_word { write!(f, ".{}", self.0) } else { write!(f, "[{:?}]", self.0) }
    }
}
