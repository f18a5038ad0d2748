//! What an expression can see, and what it says it will look at.

use std::sync::Arc;

use bytes::Bytes;

use super::fields::FieldCache;
use super::value::Value;

/// A name in view that is not a task's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// `$`: run input, outputs of direct dependencies and own parameters, merged.
    Merged,
    /// `input`: the run's input.
    Input,
    /// `params`: the task's own parameters.
    Params,
    /// `item`: the element of a map or `for_each` instance.
    Item,
    /// `index`: the place of `item`, from 0.
    Index,
    /// `event`: what woke an event node.
    Event,
    /// `run`: id, definition, attempt and the like.
    Run,
    /// `current_task`: the branch that the nearest decision chose.
    CurrentTask,
}

impl Root {
    /// The name in source text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merged => "$",
            Self::Input => "input",
            Self::Params => "params",
            Self::Item => "item",
            Self::Index => "index",
            Self::Event => "event",
            Self::Run => "run",
            Self::CurrentTask => "current_task",
        }
    }

    /// The root of a plain name; `$` is found by its place, not its name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        NAMED.iter().copied().find(|root| root.name() == name)
    }
}

/// The roots that source text names by a plain word.
pub(super) const NAMED: [Root; 7] =
    [Root::Input, Root::Params, Root::Item, Root::Index, Root::Event, Root::Run, Root::CurrentTask];

/// The data that an expression is evaluated against. The core's `decide` implements it.
///
/// Where a `*_json` method gives bytes they are read in place and only the part that is asked for is
/// built; else the value method is asked.
pub trait Scope {
    /// The value of `name`; None where it is not in view.
    fn root(&self, name: Root) -> Option<Value>;

    /// The output of `task`; None where it is not in view.
    fn output(&self, task: &str) -> Option<Value>;

    /// The output of `task` as the JSON text that was recorded. A template leaf that is exactly one
    /// `${output.task}` copies it unread.
    fn output_json(&self, task: &str) -> Option<Bytes>;

    /// What `now()` gives: RFC 3339 in UTC with milliseconds.
    fn now_text(&self) -> Arc<str>;

    /// `name` as JSON text, where it is held so.
    fn root_json(&self, name: Root) -> Option<Bytes> {
        let _ = name;
        None
    }

    /// The parts of `$` as JSON texts in the order of merging, the last one winning. Parts that are
    /// not objects are passed over. None: ask `root(Root::Merged)`.
    fn merged_json(&self) -> Option<&[Bytes]> {
        None
    }

    /// Where the fields of large texts are remembered from one look to the next, if anywhere.
    fn field_cache(&self) -> Option<&FieldCache> {
        None
    }

    /// The outputs of the direct dependencies in `depends_on` order: what `merge` works on.
    fn direct_outputs(&self) -> Vec<Bytes> {
        Vec::new()
    }
}

/// Everything a source looks at: what must be kept until it is evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Tasks named by `output.<task>`, sorted, each once.
    pub outputs: Vec<Arc<str>>,
    /// Roots in use, sorted, each once.
    pub roots: Vec<Root>,
    /// Whether `$` is in use, so that all direct dependencies' outputs are.
    pub uses_merged: bool,
    /// Whether the outputs of all direct dependencies are in use other than through `$`.
    pub uses_direct_outputs: bool,
    /// Whether `now()` is in use.
    pub uses_now: bool,
    /// Names of secrets, sorted, each once.
    pub secrets: Vec<Arc<str>>,
}

impl References {
    /// Take in what another source of the same task looks at.
    pub fn extend(&mut self, other: Self) {
        other.outputs.into_iter().for_each(|task| insert(&mut self.outputs, task));
        other.roots.into_iter().for_each(|root| insert(&mut self.roots, root));
        other.secrets.into_iter().for_each(|name| insert(&mut self.secrets, name));
        self.uses_merged |= other.uses_merged;
        self.uses_direct_outputs |= other.uses_direct_outputs;
        self.uses_now |= other.uses_now;
    }

    pub(super) fn add_output(&mut self, task: &Arc<str>) {
        insert(&mut self.outputs, Arc::clone(task));
    }

    pub(super) fn add_root(&mut self, root: Root) {
        self.uses_merged |= root == Root::Merged;
        insert(&mut self.roots, root);
    }

    pub(super) fn add_secret(&mut self, name: &Arc<str>) {
        insert(&mut self.secrets, Arc::clone(name));
    }
}

fn insert<T: Ord>(sorted: &mut Vec<T>, item: T) {
    if let Err(place) = sorted.binary_search(&item) {
        sorted.insert(place, item);
    }
}
