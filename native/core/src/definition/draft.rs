//! A definition before it is checked: columns, one entry a task, and tables that they point into.

use super::texts::Texts;
use crate::codec::{DecodeError, Reader, Stored, record};

record! {
    /// A definition as columns. It is also the stored form: what is hashed, kept and read back.
    pub struct Draft {
        pub name: String,
        pub version: Option<String>,
        pub title: Option<String>,
        pub description: Option<String>,
        pub deadline_ms: Option<u64>,
        pub consistency: Option<String>,
        pub max_concurrent_tasks: Option<u32>,
        pub type_names: Vec<String>,
        /// Parameter names of a call, in order; `*` is one further positional argument.
        pub shapes: Vec<Vec<String>>,
        /// JSON objects of options.
        pub options: Vec<String>,
        /// JSON texts.
        pub consts: Texts,
        /// JSON texts whose strings hold `${...}`.
        pub templates: Texts,
        pub ids: String,
        pub id_ends: Vec<u32>,
        pub types: Vec<u32>,
        pub shape_of: Vec<u32>,
        pub option_of: Vec<u32>,
        pub arg_ends: Vec<u32>,
        pub args: Vec<DraftArg>,
        pub dep_ends: Vec<u32>,
        pub deps: Vec<u32>,
        pub branches: Vec<DraftBranch>,
        pub handlers: Vec<DraftHandler>,
        /// The task that runs last when the run fails.
        pub on_error: Option<u32>,
        /// The template of the run's result; none: a map of task id to output.
        pub result: Option<String>,
        /// The JSON object of what a start may leave out of its input.
        pub defaults: Option<String>,
    }
}

record! {
    /// One branch of a decision: the first whose condition is true is taken.
    pub struct DraftBranch {
        pub decision: u32,
        pub condition: String,
        pub targets: Vec<u32>,
    }
}

record! {
    /// The task that runs when `owner` has failed for good.
    pub struct DraftHandler {
        pub owner: u32,
        pub handler: u32,
        pub recovers: bool,
    }
}

/// Where a task's argument comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftArg {
    /// A constant of the table.
    Const(u32),
    /// The whole output of a task.
    Output(u32),
    /// A template of the table.
    Template(u32),
    /// The failure that a handler is called for.
    Failure,
}

impl DraftArg {
    /// The packed form: the kind in the high half, the index in the low one.
    pub fn pack(self) -> u64 {
        match self {
            Self::Const(index) => u64::from(index),
            Self::Output(index) => 1 << 32 | u64::from(index),
            Self::Template(index) => 2 << 32 | u64::from(index),
            Self::Failure => 3 << 32,
        }
    }

    pub fn unpack(packed: u64) -> Option<Self> {
        let index = packed as u32;
        match packed >> 32 {
            0 => Some(Self::Const(index)),
            1 => Some(Self::Output(index)),
            2 => Some(Self::Template(index)),
            3 => Some(Self::Failure),
            _ => None,
        }
    }
}

impl Stored for DraftArg {
    fn write(&self, out: &mut Vec<u8>) {
        self.pack().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let packed = u64::read(input)?;
        Self::unpack(packed).ok_or(DecodeError::Unknown { what: "argument", found: packed })
    }
}

impl Draft {
    /// A draft without tasks.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_string(),
            version: None,
            title: None,
            description: None,
            deadline_ms: None,
            consistency: None,
            max_concurrent_tasks: None,
            type_names: Vec::new(),
            shapes: Vec::new(),
            options: Vec::new(),
            consts: Texts::default(),
            templates: Texts::default(),
            ids: String::new(),
            id_ends: Vec::new(),
            types: Vec::new(),
            shape_of: Vec::new(),
            option_of: Vec::new(),
            arg_ends: Vec::new(),
            args: Vec::new(),
            dep_ends: Vec::new(),
            deps: Vec::new(),
            branches: Vec::new(),
            handlers: Vec::new(),
            on_error: None,
            result: None,
            defaults: None,
        }
    }

    pub fn task_count(&self) -> usize {
        self.id_ends.len()
    }

    pub fn id(&self, task: usize) -> &str {
        slice_of(&self.id_ends, task).and_then(|range| self.ids.get(range)).unwrap_or_default()
    }

    pub fn deps_of(&self, task: usize) -> &[u32] {
        slice_of(&self.dep_ends, task).and_then(|range| self.deps.get(range)).unwrap_or_default()
    }

    pub fn args_of(&self, task: usize) -> &[DraftArg] {
        slice_of(&self.arg_ends, task).and_then(|range| self.args.get(range)).unwrap_or_default()
    }
}

/// The range of entry `index` in a column of ends.
pub(super) fn slice_of(ends: &[u32], index: usize) -> Option<std::ops::Range<usize>> {
    let end = *ends.get(index)? as usize;
    let start = if index == 0 { 0 } else { ends[index - 1] as usize };
    (start <= end).then_some(start..end)
}
