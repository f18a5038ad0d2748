//! What the tasks that the core itself runs need, and what error handlers may be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::compile::Check;
use super::compiled::{BoundOptions, Handler, Kind};
use super::draft::{Draft, DraftArg};
use super::options::{Delivery, Join};
use super::problem::Problem;
use crate::expr::transform::Transform;
use crate::graph::Graph;
use crate::ids::TaskIndex;
use crate::limits::NAME_SIZE_MAX;

impl Check {
    pub(super) fn handlers(&mut self, draft: &Draft) -> BTreeMap<u32, Handler> {
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
        self.run_handler(draft);
        self.handler_circles(draft, &handlers);
        handlers
    }

    /// The run's own handler runs last, so that nothing comes after it.
    fn run_handler(&mut self, draft: &Draft) {
        let Some(handler) = draft.on_error else { return };
        for found in &draft.handlers {
            if found.owner == handler {
                let wanted = "the run's error handler runs last; it has no error handler itself";
                self.problem(format!("tasks[{handler}].on_error"), wanted);
            } else if found.handler == handler {
                let wanted = "the run's error handler cannot also be that of a task";
                self.problem(format!("tasks[{}].on_error", found.owner), wanted);
            }
        }
        if draft.deps.contains(&handler) {
            let wanted = "the run's error handler runs last; no task can depend on it";
            self.problem("on_error", wanted);
        }
    }

    /// Handlers that handle each other would never be called.
    fn handler_circles(&mut self, draft: &Draft, handlers: &BTreeMap<u32, Handler>) {
        let mut harmless: BTreeSet<u32> = BTreeSet::new();
        for owner in handlers.keys() {
            let mut chain = BTreeSet::new();
            let mut next = Some(*owner);
            while let Some(task) = next.filter(|task| !harmless.contains(task)) {
                if !chain.insert(task) {
                    let id = draft.id(task as usize);
                    let message = format!("{id:?} would handle its own failure, by way of others");
                    self.problem(format!("tasks[{task}].on_error"), message);
                    break;
                }
                next = handlers.get(&task).map(|handler| handler.task.0);
            }
            harmless.extend(chain);
        }
    }

    /// Options that contradict a task's kind or its dependencies.
    pub(super) fn rules(&mut self, draft: &Draft, graph: &Graph, options: &[BoundOptions]) {
        for task in 0..draft.task_count() {
            let own = &options[draft.option_of[task] as usize].options;
            let kind = Kind::of(&draft.type_names[draft.types[task] as usize]);
            if own.for_each.is_some() && matches!(kind, Kind::Decision | Kind::Gateway) {
                let wanted = "a decision or a gateway is one for its run; it cannot be a map";
                self.problem(format!("tasks[{task}].for_each"), wanted);
            }
            if own.delivery == Delivery::AtMostOnce && own.max_retries > 0 {
                let wanted = "a task that is delivered at most once cannot be retried";
                self.problem(format!("tasks[{task}].max_retries"), wanted);
            }
            let count = graph.predecessors(task as u32).len();
            if let Join::CountOf(wanted) = own.join
                && wanted as usize > count
            {
                let message = format!("n_of_m:{wanted} of {count} dependencies can never come");
                self.problem(format!("tasks[{task}].join"), message);
            }
        }
    }

    /// No id looks like that of an item of another task, which is a map.
    pub(super) fn item_ids(&mut self, draft: &Draft, id_order: &[u32], options: &[BoundOptions]) {
        let is_map = |task: u32| {
            let options = &options[draft.option_of[task as usize] as usize].options;
            options.for_each.is_some()
        };
        for task in 0..draft.task_count() {
            let id = draft.id(task);
            let Some((owner, index)) = id.strip_suffix(']').and_then(|id| id.rsplit_once('['))
            else {
                continue;
            };
            let place = id_order.binary_search_by(|task| draft.id(*task as usize).cmp(owner));
            let is_item = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
            if is_item && place.is_ok_and(|place| is_map(id_order[place])) {
                let message = format!(
                    "{id:?} is what an item of the map {owner:?} is called; choose another id"
                );
                self.problem(format!("tasks[{task}].id"), message);
            }
        }
    }

    /// What the tasks that the core itself runs need.
    pub(super) fn kinds(&mut self, draft: &Draft, graph: &Graph) -> BTreeMap<u32, Transform> {
        let kinds: Vec<Kind> = draft.type_names.iter().map(|name| Kind::of(name)).collect();
        for (index, name) in draft.type_names.iter().enumerate() {
            if name.is_empty() || name.len() > NAME_SIZE_MAX || name.chars().any(char::is_control) {
                let task = draft.types.iter().position(|t| *t as usize == index).unwrap_or(0);
                self.name(format!("tasks[{task}].task_type"), "the task type", name);
            }
        }
        let deciding: BTreeSet<u32> = draft.branches.iter().map(|b| b.decision).collect();
        for task in &deciding {
            if kinds[draft.types[*task as usize] as usize] != Kind::Decision {
                self.problem(format!("tasks[{task}]"), "only a decision has branches");
            }
        }
        let mut transforms = BTreeMap::new();
        for task in 0..draft.task_count() {
            match kinds[draft.types[task] as usize] {
                Kind::Timer => self.timer(draft, task),
                Kind::Decision => {
                    if !deciding.contains(&(task as u32)) {
                        let path = format!("tasks[{task}].parameters.conditions");
                        self.problem(path, "a decision needs at least one condition");
                    }
                }
                Kind::Transformation => {
                    let parameters = parameters_json(draft, task);
                    match Transform::compile(parameters.as_bytes()) {
                        Ok(transform) => drop(transforms.insert(task as u32, transform)),
                        Err(error) => {
                            let path = format!("tasks[{task}].parameters");
                            self.problems.push(Problem::of_expression(&path, &error));
                        }
                    }
                }
                Kind::Gateway if graph.predecessors(task as u32).is_empty() => {
                    let wanted = "a gateway passes on an output; it depends on at least one task";
                    self.problem(format!("tasks[{task}].depends_on"), wanted);
                }
                Kind::Activity | Kind::Noop | Kind::Now | Kind::Gateway => {}
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
}

/// A task's parameters put together again as one JSON object.
fn parameters_json(draft: &Draft, task: usize) -> String {
    let shape = &draft.shapes[draft.shape_of[task] as usize];
    let members: Vec<String> = shape
        .iter()
        .zip(draft.args_of(task))
        .map(|(name, arg)| {
            let value = match arg {
                DraftArg::Const(index) => draft.consts[*index as usize].to_owned(),
                DraftArg::Template(index) => draft.templates[*index as usize].to_owned(),
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
