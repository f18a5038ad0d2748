//! Checks a draft and indexes it: every problem in one pass, each with its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::compiled::{BoundOptions, BoundTemplate, Branch, Definition, Handler, Kind};
use super::draft::{Draft, DraftArg, DraftBranch};
use super::options::{TaskOptions, condition};
use super::problem::{Problem, bounded};
use crate::codec::Stored;
use crate::expr::transform::Transform;
use crate::expr::{References, Template};
use crate::graph::{Duplicates, Graph};
use crate::ids::{DefinitionHash, TaskIndex};
use crate::limits::{EDGE_COUNT_MAX, NAME_SIZE_MAX, TASK_COUNT_MAX};

/// Steps that the search for far-away outputs may take in all; past it, a reference to a task that
/// is not upstream is found when it is evaluated.
const ANCESTOR_STEPS_MAX: usize = 20_000_000;

impl Definition {
    /// Checks a draft; gives the definition and its stored form, or all that is wrong.
    pub fn compile(draft: Draft) -> Result<(Self, Bytes), Vec<Problem>> {
        let mut check = Check::default();
        check.columns(&draft);
        if !check.problems.is_empty() {
            return Err(bounded(check.problems)); // The rest relies on columns that fit together.
        }
        let id_order = check.ids(&draft);
        let graph = check.graph(&draft);
        let options = check.options(&draft, &id_order);
        let templates = check.templates(&draft, &id_order);
        let result = check.result(&draft, &id_order);
        let branches = check.branches(&draft, &id_order);
        let handlers = check.handlers(&draft);
        let transforms = check.kinds(&draft, &graph);
        if !check.problems.is_empty() {
            return Err(bounded(check.problems));
        }
        let mut stored = Vec::new();
        draft.write(&mut stored);
        let hash = DefinitionHash::of(&stored);
        let parts =
            Parts { id_order, graph, options, templates, result, branches, handlers, transforms };
        let definition = assemble(draft, hash, parts);
        let problems = unreachable_reads(&definition);
        if problems.is_empty() {
            Ok((definition, Bytes::from(stored)))
        } else {
            Err(bounded(problems))
        }
    }
}

/// What the checks made on their way.
struct Parts {
    id_order: Vec<u32>,
    graph: Graph,
    options: Vec<BoundOptions>,
    templates: Vec<BoundTemplate>,
    result: Option<BoundTemplate>,
    branches: BTreeMap<u32, Vec<Branch>>,
    handlers: BTreeMap<u32, Handler>,
    transforms: BTreeMap<u32, Transform>,
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
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

    fn name(&mut self, path: String, what: &str, name: &str) {
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
            let mut names: Vec<&str> = cycle.iter().map(|task| draft.id(*task as usize)).collect();
            names.push(names[0]);
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
            let path = format!("tasks[{}].depends_on", cycle[0]);
            self.problem(path, format!("the tasks depend on each other in a circle: {shown}"));
        }
        graph
    }

    fn options(&mut self, draft: &Draft, id_order: &[u32]) -> Vec<BoundOptions> {
        let mut first_user: BTreeMap<u32, usize> = BTreeMap::new();
        for (task, option) in draft.option_of.iter().enumerate().rev() {
            first_user.insert(*option, task);
        }
        let mut bound = Vec::with_capacity(draft.options.len());
        for (index, text) in draft.options.iter().enumerate() {
            let path = format!("tasks[{}]", first_user.get(&(index as u32)).copied().unwrap_or(0));
            let options = match serde_json::from_str::<Value>(text) {
                Ok(Value::Object(object)) => TaskOptions::parse(&object, &path, &mut self.problems),
                _ => {
                    self.problem(path.clone(), "options must be a JSON object");
                    TaskOptions::default()
                }
            };
            let (outputs, uses_merged) = self.bind_options(&options, draft, id_order, &path);
            bound.push(BoundOptions {
                options,
                outputs,
                uses_merged,
                source: text.as_str().into(),
            });
        }
        bound
    }

    fn bind_options(
        &mut self,
        options: &TaskOptions,
        draft: &Draft,
        id_order: &[u32],
        path: &str,
    ) -> (Vec<TaskIndex>, bool) {
        let templates = [
            ("for_each", options.for_each.as_ref()),
            ("concurrency_key", options.concurrency_key.as_ref().map(|key| &key.0)),
            ("fairness_key", options.fairness_key.as_ref().map(|key| &key.0)),
        ];
        let mut outputs = Vec::new();
        let mut uses_merged = false;
        for (name, template) in templates {
            if let Some(template) = template {
                let references = template.references();
                outputs.extend(self.bind(&references, draft, id_order, &format!("{path}.{name}")));
                uses_merged |= references.uses_merged;
            }
        }
        if let Some(expression) = &options.condition {
            let references = expression.references();
            outputs.extend(self.bind(&references, draft, id_order, &format!("{path}.condition")));
            uses_merged |= references.uses_merged;
        }
        (outputs, uses_merged)
    }

    /// The tasks whose outputs are named.
    fn bind(
        &mut self,
        refs: &References,
        draft: &Draft,
        order: &[u32],
        path: &str,
    ) -> Vec<TaskIndex> {
        let mut tasks = Vec::with_capacity(refs.outputs.len());
        for id in &refs.outputs {
            match order.binary_search_by(|task| draft.id(*task as usize).cmp(id)) {
                Ok(place) => tasks.push(TaskIndex(order[place])),
                Err(_) => {
                    let ids = (0..draft.task_count()).map(|task| draft.id(task));
                    let looks = self.problems.len() < 20; // The search is dear.
                    let close = if looks { crate::names::closest(id, ids) } else { None };
                    let hint = close.map_or(String::new(), |name| {
                        format!("; did you mean {:?}?", crate::names::shown(name))
                    });
                    let id = crate::names::shown(id);
                    self.problem(path, format!("output.{id}: no task has the id {id:?}{hint}"));
                }
            }
        }
        tasks
    }

    fn templates(&mut self, draft: &Draft, id_order: &[u32]) -> Vec<BoundTemplate> {
        let mut first_user: BTreeMap<u32, usize> = BTreeMap::new();
        for task in (0..draft.task_count()).rev() {
            for arg in draft.args_of(task) {
                if let DraftArg::Template(index) = arg {
                    first_user.insert(*index, task);
                }
            }
        }
        let mut bound = Vec::with_capacity(draft.templates.len());
        for (index, text) in draft.templates.iter().enumerate() {
            let task = first_user.get(&(index as u32)).copied().unwrap_or(0);
            let name = parameter_name(draft, task, DraftArg::Template(index as u32));
            let path = format!("tasks[{task}].parameters{name}");
            bound.extend(self.template(text, draft, id_order, &path));
        }
        bound
    }

    fn template(
        &mut self,
        text: &str,
        draft: &Draft,
        order: &[u32],
        path: &str,
    ) -> Option<BoundTemplate> {
        match Template::compile(text.as_bytes()) {
            Err(error) => {
                self.problem(path, error.message);
                None
            }
            Ok(template) => {
                let references = template.references();
                let outputs = self.bind(&references, draft, order, path);
                let uses_merged = references.uses_merged;
                let source = text.into();
                Some(BoundTemplate { template, outputs, uses_merged, source })
            }
        }
    }

    fn result(&mut self, draft: &Draft, id_order: &[u32]) -> Option<BoundTemplate> {
        self.template(draft.result.as_deref()?, draft, id_order, "result")
    }

    fn branches(&mut self, draft: &Draft, id_order: &[u32]) -> BTreeMap<u32, Vec<Branch>> {
        let mut branches: BTreeMap<u32, Vec<Branch>> = BTreeMap::new();
        for branch in &draft.branches {
            let place = branches.get(&branch.decision).map_or(0, Vec::len);
            let path = format!("tasks[{}].parameters.conditions[{place}]", branch.decision);
            match condition(&Value::String(branch.condition.clone())) {
                Err(wanted) => self.problem(format!("{path}.condition"), wanted),
                Ok(condition) => {
                    let references = condition.references();
                    let outputs = self.bind(&references, draft, id_order, &path);
                    let uses_merged = references.uses_merged;
                    let targets = branch.targets.iter().map(|task| TaskIndex(*task)).collect();
                    let source = branch.condition.clone();
                    branches.entry(branch.decision).or_default().push(Branch {
                        condition,
                        targets,
                        outputs,
                        uses_merged,
                        source,
                    });
                }
            }
            self.branch_edges(draft, branch, &path);
        }
        branches
    }

    /// A branch leads along edges: what it names depends on its decision.
    fn branch_edges(&mut self, draft: &Draft, branch: &DraftBranch, path: &str) {
        for target in &branch.targets {
            if !draft.deps_of(*target as usize).contains(&branch.decision) {
                let decision = draft.id(branch.decision as usize);
                let target = draft.id(*target as usize);
                let message = format!(
                    "{target:?} does not depend on {decision:?}; add {decision:?} to its depends_on"
                );
                self.problem(format!("{path}.next_task"), message);
            }
        }
    }

    fn handlers(&mut self, draft: &Draft) -> BTreeMap<u32, Handler> {
        let mut handlers = BTreeMap::new();
        let mut taken: BTreeMap<u32, u32> = BTreeMap::new();
        for found in &draft.handlers {
            let path = format!("tasks[{}].on_error", found.owner);
            if let Some(first) = taken.insert(found.handler, found.owner) {
                let first = draft.id(first as usize);
                self.problem(
                    path.clone(),
                    format!("this task already handles errors of {first:?}"),
                );
            }
            let task = TaskIndex(found.handler);
            let handler = Handler { task, recovers: found.recovers };
            if handlers.insert(found.owner, handler).is_some() {
                self.problem(path, "a task has one error handler");
            }
        }
        let run_handler = draft.on_error.map(|task| (task, "on_error".to_string()));
        let all =
            draft.handlers.iter().map(|h| (h.handler, format!("tasks[{}].on_error", h.owner)));
        for (task, path) in all.chain(run_handler) {
            if !draft.deps_of(task as usize).is_empty() {
                self.problem(path, "an error handler waits for a failure and depends on no task");
            }
        }
        handlers
    }

    /// What the tasks that the core itself runs need.
    fn kinds(&mut self, draft: &Draft, graph: &Graph) -> BTreeMap<u32, Transform> {
        let kinds: Vec<Kind> = draft.type_names.iter().map(|name| Kind::of(name)).collect();
        for (index, name) in draft.type_names.iter().enumerate() {
            if name.is_empty() || name.len() > NAME_SIZE_MAX || name.chars().any(char::is_control) {
                let task = draft.types.iter().position(|t| *t as usize == index).unwrap_or(0);
                self.name(format!("tasks[{task}].task_type"), "the task type", name);
            }
        }
        let mut transforms = BTreeMap::new();
        for task in 0..draft.task_count() {
            match kinds[draft.types[task] as usize] {
                Kind::Activity | Kind::Noop | Kind::Now => {}
                Kind::Timer => self.timer(draft, task),
                Kind::Decision => self.decision(draft, task),
                Kind::Transformation => {
                    let parameters = parameters_json(draft, task);
                    match Transform::compile(parameters.as_bytes()) {
                        Ok(transform) => drop(transforms.insert(task as u32, transform)),
                        Err(error) => {
                            self.problem(format!("tasks[{task}].parameters"), error.message);
                        }
                    }
                }
                Kind::Gateway if graph.predecessors(task as u32).is_empty() => {
                    let wanted = "a gateway passes on an output; it depends on at least one task";
                    self.problem(format!("tasks[{task}].depends_on"), wanted);
                }
                Kind::Gateway => {}
            }
        }
        transforms
    }

    fn timer(&mut self, draft: &Draft, task: usize) {
        let path = format!("tasks[{task}].parameters.seconds");
        let shape = &draft.shapes[draft.shape_of[task] as usize];
        let place = shape.iter().position(|name| name == "seconds");
        match place.and_then(|place| draft.args_of(task).get(place)) {
            None => self.problem(path, "a timer needs `seconds`, how long it waits"),
            Some(DraftArg::Const(index)) => {
                let text = &draft.consts[*index as usize];
                if let Err(wanted) = super::document::constant_span(text) {
                    self.problem(path, format!("seconds is {text}; {wanted}"));
                }
            }
            Some(DraftArg::Output(_) | DraftArg::Template(_) | DraftArg::Failure) => {}
        }
    }

    fn decision(&mut self, draft: &Draft, task: usize) {
        if !draft.branches.iter().any(|branch| branch.decision as usize == task) {
            let path = format!("tasks[{task}].parameters.conditions");
            self.problem(path, "a decision needs at least one condition");
        }
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

/// `.name` of the parameter that an argument fills, where it has one.
fn parameter_name(draft: &Draft, task: usize, arg: DraftArg) -> String {
    let shape = &draft.shapes[draft.shape_of[task] as usize];
    let place = draft.args_of(task).iter().position(|other| *other == arg);
    place.and_then(|place| shape.get(place)).map_or(String::new(), |name| format!(".{name}"))
}

/// A task's parameters put together again as one JSON object.
fn parameters_json(draft: &Draft, task: usize) -> String {
    let shape = &draft.shapes[draft.shape_of[task] as usize];
    let members: Vec<String> = shape
        .iter()
        .zip(draft.args_of(task))
        .map(|(name, arg)| {
            let value = match arg {
                DraftArg::Const(index) => draft.consts[*index as usize].clone(),
                DraftArg::Template(index) => draft.templates[*index as usize].clone(),
                DraftArg::Output(source) => {
                    let id = Value::from(draft.id(*source as usize));
                    Value::from(format!("${{output[{id}]}}")).to_string()
                }
                DraftArg::Failure => "null".to_string(),
            };
            format!("{}:{value}", Value::from(name.as_str()))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn assemble(draft: Draft, hash: DefinitionHash, parts: Parts) -> Definition {
    let arc = |names: Vec<String>| names.into_iter().map(Arc::from).collect::<Vec<Arc<str>>>();
    let type_names = arc(draft.type_names);
    let mut deciders: BTreeMap<u32, Vec<TaskIndex>> = BTreeMap::new();
    for branch in &draft.branches {
        for target in &branch.targets {
            let deciders = deciders.entry(*target).or_default();
            if !deciders.contains(&TaskIndex(branch.decision)) {
                deciders.push(TaskIndex(branch.decision));
            }
        }
    }
    let handled = parts.handlers.iter().map(|(owner, h)| (h.task.0, TaskIndex(*owner))).collect();
    let mut definition = Definition {
        name: draft.name.into(),
        version: draft.version.map(Arc::from),
        title: draft.title,
        description: draft.description,
        hash,
        deadline_ms: draft.deadline_ms,
        consistency: draft.consistency,
        max_concurrent_tasks: draft.max_concurrent_tasks,
        on_error: draft.on_error.map(TaskIndex),
        kinds: type_names.iter().map(|name| Kind::of(name)).collect(),
        type_names,
        shapes: draft.shapes.into_iter().map(arc).collect(),
        options: parts.options,
        consts: draft.consts.into_iter().map(Bytes::from).collect(),
        templates: parts.templates,
        ids: draft.ids.into_boxed_str(),
        id_ends: draft.id_ends,
        id_order: parts.id_order,
        types: draft.types,
        shape_of: draft.shape_of,
        option_of: draft.option_of,
        arg_ends: draft.arg_ends,
        args: draft.args,
        graph: parts.graph,
        branches: parts.branches,
        deciders,
        transforms: parts.transforms,
        handlers: parts.handlers,
        handled,
        result: parts.result,
        reader_counts: Vec::new(),
    };
    definition.reader_counts = reader_counts(&definition);
    definition
}

fn reader_counts(definition: &Definition) -> Vec<u32> {
    let kept = u32::from(definition.result.is_none());
    let mut counts = vec![kept; definition.task_count()];
    for task in definition.tasks() {
        definition.for_each_read(task, |source| counts[source.index()] += 1);
    }
    for handler in definition.handlers.values().filter(|handler| handler.recovers) {
        counts[handler.task.index()] += 1; // The task that it handles takes its output over.
    }
    if let Some(result) = &definition.result {
        result.outputs.iter().for_each(|source| counts[source.index()] += 1);
    }
    counts
}

/// A task reads the outputs of tasks upstream of it only: others may not have ended yet.
fn unreachable_reads(definition: &Definition) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut steps_left = ANCESTOR_STEPS_MAX;
    for task in definition.tasks() {
        let mut far = Vec::new();
        definition.for_each_read(task, |source| {
            if !definition.predecessors(task).contains(&source.0) {
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
    let mut seen = std::collections::BTreeSet::new();
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
