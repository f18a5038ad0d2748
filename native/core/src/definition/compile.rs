//! Checks a draft and indexes it: every problem in one pass, each with its place.

use bytes::Bytes;

use super::assemble::{Parts, assemble};
use super::compiled::Definition;
use super::draft::{Draft, DraftArg};
use super::problem::{Problem, bounded};
use super::reads::unreachable_reads;
use crate::codec::Stored;
use crate::graph::{Duplicates, Graph};
use crate::ids::DefinitionHash;
use crate::limits::{EDGE_COUNT_MAX, NAME_SIZE_MAX, PROBLEM_COUNT_MAX, TASK_COUNT_MAX};

impl Definition {
    /// Checks a draft; gives the definition and its stored form, or all that is wrong.
    pub fn compile(draft: Draft) -> Result<(Self, Bytes), Vec<Problem>> {
        let mut stored = Vec::new();
        let definition = Self::checked(draft, |draft| {
            draft.write(&mut stored);
            DefinitionHash::of(&stored)
        })?;
        Ok((definition, Bytes::from(stored)))
    }

    /// Checks a draft and gives the definition, whose hash is asked for once nothing is wrong.
    pub(super) fn checked(
        draft: Draft,
        hash_of: impl FnOnce(&Draft) -> DefinitionHash,
    ) -> Result<Self, Vec<Problem>> {
        let mut check = Check::default();
        check.columns(&draft);
        if !check.problems.is_empty() {
            return Err(bounded(check.problems)); // The rest relies on columns that fit together.
        }
        let id_order = check.ids(&draft);
        let graph = check.graph(&draft);
        let options = check.options(&draft, &id_order);
        let (templates, lists) = check.templates(&draft, &id_order);
        let result = check.result(&draft, &id_order);
        let defaults = check.defaults(&draft);
        let branches = check.branches(&draft, &id_order);
        let handlers = check.handlers(&draft);
        let transforms = check.kinds(&draft, &graph);
        check.rules(&draft, &graph, &options);
        check.item_ids(&draft, &id_order, &options);
        if !check.problems.is_empty() {
            return Err(bounded(check.problems));
        }
        let hash = hash_of(&draft);
        let parts = Parts {
            id_order,
            graph,
            options,
            templates,
            lists,
            result,
            defaults,
            branches,
            handlers,
            transforms,
        };
        let definition = assemble(draft, hash, parts);
        let problems = unreachable_reads(&definition);
        if problems.is_empty() { Ok(definition) } else { Err(bounded(problems)) }
    }
}

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Check {
    pub(super) problems: Vec<Problem>,
}

impl Check {
    pub(super) fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    /// Whether more is wrong than is shown; the rest is not looked for.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() > PROBLEM_COUNT_MAX
    }

    /// The columns agree in length and point into their tables.
    fn columns(&mut self, draft: &Draft) {
        let count = draft.task_count();
        if count == 0 {
            self.problem("tasks", "a definition needs at least one task");
        }
        if count > TASK_COUNT_MAX {
            self.problem("tasks", format!("{count} tasks; at most {TASK_COUNT_MAX} are allowed"));
        }
        if draft.deps.len() > EDGE_COUNT_MAX {
            let count = draft.deps.len();
            self.problem("tasks", format!("{count} edges; at most {EDGE_COUNT_MAX} are allowed"));
        }
        let columns =
            [&draft.types, &draft.shape_of, &draft.option_of, &draft.arg_ends, &draft.dep_ends];
        if columns.iter().any(|column| column.len() != count) {
            self.problem("", "the columns of the definition differ in length");
        }
        let ends = [
            (&draft.id_ends, draft.ids.len()),
            (&draft.arg_ends, draft.args.len()),
            (&draft.dep_ends, draft.deps.len()),
        ];
        if ends.iter().any(|(ends, total)| !ends_fit(ends, *total)) {
            self.problem("", "a column of ends does not grow up to the size of its table");
        }
        let all = |column: &[u32], size: usize| column.iter().all(|index| (*index as usize) < size);
        let fits = all(&draft.types, draft.type_names.len())
            && all(&draft.shape_of, draft.shapes.len())
            && all(&draft.option_of, draft.options.len())
            && all(&draft.deps, count)
            && draft.args.iter().all(|arg| arg_fits(*arg, draft))
            && draft
                .branches
                .iter()
                .all(|b| (b.decision as usize) < count && all(&b.targets, count))
            && draft.handlers.iter().all(|h| all(&[h.owner, h.handler], count))
            && draft.on_error.is_none_or(|task| (task as usize) < count);
        if !fits {
            self.problem("", "a column of the definition points past the end of its table");
        }
    }

    pub(super) fn name(&mut self, path: String, what: &str, name: &str) {
        if name.is_empty() || name.len() > NAME_SIZE_MAX || name.chars().any(char::is_control) {
            let shown: String = name.chars().take(40).collect();
            let wanted = format!("1 to {NAME_SIZE_MAX} bytes without control characters");
            self.problem(path, format!("{what} {shown:?} is {} bytes; {wanted}", name.len()));
        }
    }

    /// Ids are names and unique; gives the tasks in the order of their ids.
    fn ids(&mut self, draft: &Draft) -> Vec<u32> {
        self.name("id".into(), "the definition's id", &draft.name);
        if let Some(version) = &draft.version {
            self.name("version".into(), "the version", version);
        }
        if let Some(level) = &draft.consistency
            && crate::consistency::Consistency::parse(level).is_none()
        {
            let known = crate::consistency::NAMES;
            self.problem("consistency", format!("{level:?} is not one of {known}"));
        }
        let mut order: Vec<u32> = (0..draft.task_count() as u32).collect();
        order.sort_unstable_by(|a, b| {
            draft.id(*a as usize).cmp(draft.id(*b as usize)).then(a.cmp(b))
        });
        for pair in order.windows(2) {
            let id = draft.id(pair[0] as usize);
            if id == draft.id(pair[1] as usize) {
                let (path, first) = (format!("tasks[{}].id", pair[1]), pair[0]);
                self.problem(path, format!("the id {id:?} is taken by tasks[{first}]"));
            }
        }
        for task in 0..draft.task_count() {
            let id = draft.id(task);
            if id.is_empty() || id.len() > NAME_SIZE_MAX || id.chars().any(char::is_control) {
                self.name(format!("tasks[{task}].id"), "the id", id);
            }
        }
        order
    }

    fn graph(&mut self, draft: &Draft) -> Graph {
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        sources.reserve_exact(draft.deps.len());
        targets.reserve_exact(draft.deps.len());
        for task in 0..draft.task_count() {
            for (place, dep) in draft.deps_of(task).iter().enumerate() {
                if *dep as usize == task {
                    let path = format!("tasks[{task}].depends_on[{place}]");
                    self.problem(path, format!("{:?} depends on itself", draft.id(task)));
                    continue;
                }
                sources.push(*dep);
                targets.push(task as u32);
            }
        }
        let count = draft.task_count() as u32;
        let graph = Graph::from_edges(count, &sources, &targets, Duplicates::Fold)
            .expect("the columns were checked: every edge leads from task to task");
        if let Some(cycle) = graph.find_cycle() {
            let names: Vec<&str> = cycle.iter().map(|task| draft.id(*task as usize)).collect();
            let shown = if names.len() > 12 {
                format!(
                    "{} -> … {} more … -> {}",
                    names[..6].join(" -> "),
                    names.len() - 8,
                    names[names.len() - 2..].join(" -> ")
                )
            } else {
                names.join(" -> ")
            };
            // The second one waits for the first.
            let waits = draft.deps_of(cycle[1] as usize);
            let place = waits.iter().position(|dep| *dep == cycle[0]).unwrap_or_default();
            let path = format!("tasks[{}].depends_on[{place}]", cycle[1]);
            self.problem(path, format!("the tasks depend on each other in a circle: {shown}"));
        }
        graph
    }
}

fn ends_fit(ends: &[u32], total: usize) -> bool {
    ends.windows(2).all(|pair| pair[0] <= pair[1])
        && ends.last().map_or(total == 0, |last| *last as usize == total)
}

fn arg_fits(arg: DraftArg, draft: &Draft) -> bool {
    match arg {
        DraftArg::Const(index) => (index as usize) < draft.consts.len(),
        DraftArg::Template(index) => (index as usize) < draft.templates.len(),
        DraftArg::Output(task) => (task as usize) < draft.task_count(),
        DraftArg::Failure => true,
    }
}
