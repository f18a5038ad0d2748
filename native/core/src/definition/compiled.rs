//! A definition that was checked: columns of small numbers, shared by all of its runs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::defaults::Defaults;
use super::draft::{DraftArg, slice_of};
use super::lists::Lists;
use super::options::TaskOptions;
use super::texts::SharedTexts;
use crate::expr::transform::Transform;
use crate::expr::{Expression, Template};
use crate::graph::Graph;
use crate::ids::{DefinitionHash, TaskIndex};

/// What a task is to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// User code, run by a worker.
    Activity,
    Noop,
    Timer,
    Decision,
    Transformation,
    /// Passes on the output of its first completed dependency.
    Gateway,
    /// Its output is the time at which it became ready.
    Now,
}

impl Kind {
    pub fn of(task_type: &str) -> Self {
        match task_type {
            "noop" => Self::Noop,
            "timer" => Self::Timer,
            "decision" => Self::Decision,
            "data_transformation" => Self::Transformation,
            "gateway" => Self::Gateway,
            "now" => Self::Now,
            _ => Self::Activity,
        }
    }
}

pub type Arg = DraftArg;

/// A branch of a decision; without a condition it is always taken.
#[derive(Debug)]
pub struct Branch {
    pub condition: Expression,
    pub targets: Vec<TaskIndex>,
    /// The same in the order of tasks, to be found quickly.
    pub(super) sorted_targets: Vec<TaskIndex>,
    pub(super) outputs: Vec<TaskIndex>,
    pub(super) uses_merged: bool,
    pub(super) source: String,
}

impl Branch {
    /// Whether taking the branch chooses `task`.
    pub fn chooses(&self, task: TaskIndex) -> bool {
        self.sorted_targets.binary_search(&task).is_ok()
    }
}

/// The task that runs when another has failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    pub task: TaskIndex,
    /// Whether its output stands in for that of the failed task.
    pub recovers: bool,
}

/// An argument that is filled in when its task is handed out.
#[derive(Clone, Copy, Debug)]
pub enum Filled<'a> {
    /// A list of whole outputs.
    List(&'a [TaskIndex]),
    /// Anything else.
    Template(&'a Template),
}

/// A template of an argument.
#[derive(Debug)]
pub(super) enum ArgTemplate {
    /// A list, by its place among the lists.
    List(Range<u32>),
    Bound(Box<BoundTemplate>),
}

/// A template with the tasks whose outputs it reads.
#[derive(Debug)]
pub(super) struct BoundTemplate {
    pub(super) template: Template,
    pub(super) outputs: Vec<TaskIndex>,
    pub(super) uses_merged: bool,
    pub(super) source: Box<str>,
}

/// Options with the tasks whose outputs their expressions read.
#[derive(Debug, Default)]
pub(super) struct BoundOptions {
    pub(super) options: TaskOptions,
    pub(super) outputs: Vec<TaskIndex>,
    pub(super) uses_merged: bool,
    pub(super) source: Box<str>,
}

/// A checked definition.
#[derive(Debug)]
pub struct Definition {
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub hash: DefinitionHash,
    pub deadline_ms: Option<u64>,
    pub consistency: Option<String>,
    pub max_concurrent_tasks: Option<u32>,
    pub on_error: Option<TaskIndex>,
    pub(super) type_names: Vec<Arc<str>>,
    pub(super) kinds: Vec<Kind>,
    pub(super) shapes: Vec<Vec<Arc<str>>>,
    pub(super) options: Vec<BoundOptions>,
    pub(super) consts: SharedTexts,
    pub(super) templates: Vec<ArgTemplate>,
    pub(super) lists: Lists,
    pub(super) ids: Box<str>,
    pub(super) id_ends: Vec<u32>,
    pub(super) id_order: Vec<u32>,
    pub(super) types: Vec<u32>,
    pub(super) shape_of: Vec<u32>,
    pub(super) option_of: Vec<u32>,
    pub(super) arg_ends: Vec<u32>,
    pub(super) args: Vec<Arg>,
    pub(super) graph: Graph,
    pub(super) branches: BTreeMap<u32, Vec<Branch>>,
    /// For each target of a decision: the decisions that name it.
    pub(super) deciders: BTreeMap<u32, Vec<TaskIndex>>,
    pub(super) transforms: BTreeMap<u32, Transform>,
    pub(super) handlers: BTreeMap<u32, Handler>,
    pub(super) handled: BTreeMap<u32, TaskIndex>,
    pub(super) result: Option<BoundTemplate>,
    pub(super) defaults: Defaults,
    pub(super) reader_counts: Vec<u32>,
}

impl Definition {
    pub fn task_count(&self) -> usize {
        self.types.len()
    }

    pub fn edge_count(&self) -> usize {
        self.graph.edge_count() as usize
    }

    pub fn tasks(&self) -> impl Iterator<Item = TaskIndex> + use<> {
        (0..self.types.len() as u32).map(TaskIndex)
    }

    pub fn id(&self, task: TaskIndex) -> &str {
        let range = slice_of(&self.id_ends, task.index()).expect("compile checked the ids");
        &self.ids[range]
    }

    /// The task with this id.
    pub fn find(&self, id: &str) -> Option<TaskIndex> {
        self.id_order
            .binary_search_by(|task| self.id(TaskIndex(*task)).cmp(id))
            .ok()
            .map(|place| TaskIndex(self.id_order[place]))
    }

    pub fn type_index(&self, task: TaskIndex) -> u32 {
        self.types[task.index()]
    }

    pub fn task_type(&self, task: TaskIndex) -> &Arc<str> {
        &self.type_names[self.types[task.index()] as usize]
    }

    pub fn type_names(&self) -> &[Arc<str>] {
        &self.type_names
    }

    pub fn kind(&self, task: TaskIndex) -> Kind {
        self.kinds[self.types[task.index()] as usize]
    }

    pub fn options(&self, task: TaskIndex) -> &TaskOptions {
        &self.options[self.option_of[task.index()] as usize].options
    }

    pub fn shape_index(&self, task: TaskIndex) -> u32 {
        self.shape_of[task.index()]
    }

    /// Names of the task's arguments; `*` is one further positional argument.
    pub fn shape(&self, task: TaskIndex) -> &[Arc<str>] {
        &self.shapes[self.shape_of[task.index()] as usize]
    }

    pub fn args(&self, task: TaskIndex) -> &[Arg] {
        let range = slice_of(&self.arg_ends, task.index()).expect("compile checked the arguments");
        &self.args[range]
    }

    pub fn constant(&self, index: u32) -> Bytes {
        self.consts.get(index as usize)
    }

    pub fn template(&self, index: u32) -> Filled<'_> {
        match &self.templates[index as usize] {
            ArgTemplate::List(range) => Filled::List(self.lists.outputs(range)),
            ArgTemplate::Bound(bound) => Filled::Template(&bound.template),
        }
    }

    /// All tasks, each behind those that it depends on.
    pub fn topological_order(&self) -> impl Iterator<Item = TaskIndex> + use<> {
        let order = self.graph.topological_order().expect("compile refused circles");
        order.into_iter().map(TaskIndex)
    }

    pub fn predecessors(&self, task: TaskIndex) -> &[u32] {
        self.graph.predecessors(task.0)
    }

    pub fn successors(&self, task: TaskIndex) -> &[u32] {
        self.graph.successors(task.0)
    }

    pub fn branches(&self, decision: TaskIndex) -> &[Branch] {
        self.branches.get(&decision.0).map_or(&[], Vec::as_slice)
    }

    /// The decisions that name this task in a branch.
    pub fn deciders(&self, task: TaskIndex) -> &[TaskIndex] {
        self.deciders.get(&task.0).map_or(&[], Vec::as_slice)
    }

    pub fn transform(&self, task: TaskIndex) -> &Transform {
        self.transforms.get(&task.0).expect("compile made a transform for each transformation")
    }

    pub fn handler(&self, task: TaskIndex) -> Option<Handler> {
        self.handlers.get(&task.0).copied()
    }

    /// The task whose failures this one handles.
    pub fn handles(&self, task: TaskIndex) -> Option<TaskIndex> {
        self.handled.get(&task.0).copied()
    }

    /// Whether the task waits for a failure instead of its dependencies.
    pub fn is_handler(&self, task: TaskIndex) -> bool {
        self.handled.contains_key(&task.0) || self.on_error == Some(task)
    }

    pub fn result(&self) -> Option<&Template> {
        self.result.as_ref().map(|bound| &bound.template)
    }

    /// How many readers a task's output has; the run's result is one that never finishes reading.
    pub fn reader_count(&self, task: TaskIndex) -> u32 {
        self.reader_counts[task.index()]
    }

    /// Calls `visit` for each output that `task` reads, as often as it reads it.
    pub fn for_each_read(&self, task: TaskIndex, mut visit: impl FnMut(TaskIndex)) {
        for arg in self.args(task) {
            match *arg {
                Arg::Const(_) | Arg::Failure => {}
                Arg::Output(source) => visit(TaskIndex(source)),
                Arg::Template(index) => match &self.templates[index as usize] {
                    ArgTemplate::List(range) => {
                        self.lists.outputs(range).iter().copied().for_each(&mut visit);
                    }
                    ArgTemplate::Bound(bound) => {
                        self.visit_bound(task, &bound.outputs, bound.uses_merged, &mut visit);
                    }
                },
            }
        }
        let options = &self.options[self.option_of[task.index()] as usize];
        self.visit_bound(task, &options.outputs, options.uses_merged, &mut visit);
        for branch in self.branches(task) {
            self.visit_bound(task, &branch.outputs, branch.uses_merged, &mut visit);
        }
        let kind = self.kind(task);
        if matches!(kind, Kind::Gateway | Kind::Transformation) {
            self.visit_bound(task, &[], true, &mut visit);
        }
    }

    fn visit_bound(
        &self,
        task: TaskIndex,
        outputs: &[TaskIndex],
        uses_merged: bool,
        visit: &mut impl FnMut(TaskIndex),
    ) {
        outputs.iter().copied().for_each(&mut *visit);
        if uses_merged {
            self.predecessors(task).iter().map(|task| TaskIndex(*task)).for_each(visit);
        }
    }
}
