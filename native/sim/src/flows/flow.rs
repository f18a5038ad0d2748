//! A definition as the simulator knows it: what it was drawn as, not what the core made of it.

use pyflow_core::consistency::Consistency;

/// A graph of tasks.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) tasks: Vec<Task>,
    /// The task that runs last when the run fails.
    pub(crate) on_error: Option<usize>,
    pub(crate) deadline_s: Option<u64>,
    pub(crate) max_concurrent_tasks: Option<u32>,
    /// The task whose output is the run's result; none: an object of all outputs.
    pub(crate) result_of: Option<usize>,
    /// The least that its starts are promised.
    pub(crate) consistency: Option<Consistency>,
    /// What stands in for a flag that a start leaves out of its input, where anything does.
    pub(crate) default_flag: Option<bool>,
}

/// A node of the graph; others are named by their index.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) work: Work,
    pub(crate) deps: Vec<usize>,
    pub(crate) join: Join,
    pub(crate) condition: Condition,
    /// What it is given of the outputs of others.
    pub(crate) reads: Option<Reads>,
    /// Whether it is told of its run, its input, and the time.
    pub(crate) is_told: bool,
    /// What the number is drawn from that it is told then, if it is told one.
    pub(crate) counts: Option<u64>,
    pub(crate) handler: Option<Handler>,
    /// The task that it handles the failure of.
    pub(crate) handles: Option<usize>,
    pub(crate) options: Options,
}

/// What a task is given of the outputs of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The whole output of a task.
    Output(usize),
    /// A list of whole outputs, in this order; one may stand in it twice.
    List(Vec<usize>),
}

/// What runs when a task has failed for good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handler {
    pub(crate) task: usize,
    pub(crate) recovers: bool,
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A worker's task of this type.
    Activity {
        task_type: &'static str,
    },
    /// One task of this type for each item: a worker's, or one that the core itself runs.
    Map {
        task_type: &'static str,
        items: Items,
    },
    Noop,
    Now,
    Timer {
        span_ms: u64,
    },
    Gateway,
    /// An average, which finds its numbers or does not.
    Transformation {
        has_items: bool,
    },
    Decision {
        branches: Vec<Branch>,
        default: Option<usize>,
    },
}

/// What a decision may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) condition: Condition,
    pub(crate) targets: Vec<usize>,
}

/// What a map goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    Numbers(usize),
    /// The output of a task, which may turn out to be no list.
    OutputOf(usize),
}

/// When a task that waits for others opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    AllSuccess,
    AllDone,
    AnySuccess,
    NoneFailedMinOneSuccess,
    CountOf(u32),
}

/// A condition whose value the simulator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    True,
    False,
    /// As the run's input says.
    Flag,
    /// Whether this task, which has ended by then, has put out nothing.
    Nothing(usize),
    /// Whether it has put out anything.
    Something(usize),
    /// What is drawn from this number.
    Claim(u64),
}

/// What a concurrency key is rendered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// One for all runs.
    Shared,
    /// One for each run.
    OfRun,
    /// One for the first two places in a map, and one for the others.
    OfPlace,
}

/// How a task is retried, limited and ordered. Times are in seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) max_retries: u32,
    /// The wait before the first retry, where it is not a second.
    pub(crate) base_delay_s: Option<u64>,
    /// The longest wait, where it is not a minute.
    pub(crate) max_delay_s: Option<u64>,
    /// The percentage by which a wait varies, where it is not ten.
    pub(crate) jitter_percent: Option<u64>,
    /// The only kind of error that is retried, and the one that is not.
    pub(crate) retry_on: Option<&'static str>,
    pub(crate) no_retry_on: Option<&'static str>,
    pub(crate) retry_budget_s: Option<u64>,
    pub(crate) timeout_s: Option<u64>,
    pub(crate) queue_timeout_s: Option<u64>,
    pub(crate) heartbeat_timeout_s: Option<u64>,
    pub(crate) total_timeout_s: Option<u64>,
    pub(crate) max_deliveries: Option<u32>,
    /// 0 high, 1 normal, 2 low.
    pub(crate) priority: Option<u8>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) concurrency_key: Option<Key>,
    /// Whether its concurrency is not named, since it is what a key has anyway.
    pub(crate) is_concurrency_untold: bool,
    /// Starts in a window of milliseconds.
    pub(crate) rate: Option<(u32, u64)>,
    pub(crate) is_fair: bool,
    pub(crate) at_most_once: bool,
}

/// Limits of all definitions of a seed: tasks that count under the same mostly have the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At once, of the type `heavy`.
    pub(crate) heavy: u32,
    /// At once, under a concurrency key: as most tasks have it, and as some do.
    pub(crate) keyed: [u32; 2],
    /// Starts of the type `metered` in a window of milliseconds.
    pub(crate) rate: (u32, u64),
    /// Whether most tasks have a limit, or two.
    pub(crate) are_many: bool,
    /// Whether most tasks wait for a worker for a short time only.
    pub(crate) are_impatient: bool,
    /// Whether most tasks have a fairness key, and all of them one limit.
    pub(crate) are_fair: bool,
    /// What definitions have stand in for the flag of the input, where they do.
    pub(crate) default_flag: Option<bool>,
}

impl Condition {
    pub(crate) fn text(self, flow: &Flow) -> String {
        match self {
            Self::True => "1 == 1".into(),
            Self::False => "1 == 2".into(),
            Self::Flag => "input.flag == true".into(),
            Self::Claim(seed) => super::truth(seed, &Self::Flag.text(flow)).0,
            Self::Nothing(task) => format!("output.{} == null", flow.tasks[task].id),
            Self::Something(task) => format!("output.{} != null", flow.tasks[task].id),
        }
    }
}

/// Whether the core itself runs tasks of a type.
pub(crate) fn is_of_core(task_type: &str) -> bool {
    matches!(task_type, "noop" | "timer")
}

impl Task {
    /// The type that a worker must know, for what is done by workers.
    pub(crate) fn worker_type(&self) -> Option<&'static str> {
        match self.work {
            Work::Activity { task_type } => Some(task_type),
            Work::Map { task_type, .. } => Some(task_type).filter(|name| !is_of_core(name)),
            Work::Noop
            | Work::Now
            | Work::Timer { .. }
            | Work::Gateway
            | Work::Transformation { .. }
            | Work::Decision { .. } => None,
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.work, Work::Map { .. })
    }
}

impl Flow {
    /// The decisions that name a task among their branches.
    pub(crate) fn deciders(&self, task: usize) -> impl Iterator<Item = usize> + '_ {
        self.tasks.iter().enumerate().filter_map(move |(index, other)| match &other.work {
            Work::Decision { branches, default } => {
                let is_named = branches.iter().any(|branch| branch.targets.contains(&task));
                (is_named || *default == Some(task)).then_some(index)
            }
            Work::Activity { .. }
            | Work::Map { .. }
            | Work::Noop
            | Work::Now
            | Work::Timer { .. }
            | Work::Gateway
            | Work::Transformation { .. } => None,
        })
    }

    pub(crate) fn successors(&self, task: usize) -> impl Iterator<Item = usize> + '_ {
        self.tasks
            .iter()
            .enumerate()
            .filter(move |(_, other)| other.deps.contains(&task))
            .map(|(index, _)| index)
    }

    pub(crate) fn is_handler(&self, task: usize) -> bool {
        self.tasks[task].handles.is_some() || self.on_error == Some(task)
    }
}
