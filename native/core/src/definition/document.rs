//! A definition in document form: a JSON object with a list of tasks, turned into columns.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::arguments::{FAILURE, FURTHER, in_order};
use super::compiled::Definition;
use super::draft::{Draft, DraftArg, DraftBranch, DraftHandler};
use super::options::{positive_span, span};
use super::problem::{Problem, bounded, hint, hint_or_all, member};
use crate::limits::{DOCUMENT_SIZE_MAX, PROBLEM_COUNT_MAX, TASK_COUNT_MAX};
use crate::names::shown;

/// Characters of a task's id that the id of its handler repeats.
const OWNER_SHOWN_MAX: usize = 40;

const FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "version",
    "tasks",
    "on_error",
    "deadline",
    "consistency",
    "max_concurrent_tasks",
    "result",
    "defaults",
];
/// What a task has beside its options.
const TASK_FIELDS: &[&str] = &["id", "task_type", "parameters", "depends_on", "on_error"];

/// Reads a document; what its tasks say of each other is checked by `Definition::compile`.
pub fn draft_from_document(document: &[u8]) -> Result<Draft, Vec<Problem>> {
    let (draft, problems) = read(document)?;
    if problems.is_empty() { Ok(draft) } else { Err(bounded(problems)) }
}

/// Reads a document and compiles it. Of what is wrong its own problems come first, then those of its
/// graph where it could be read.
pub fn definition_of_document(document: &[u8]) -> Result<(Definition, Bytes), Vec<Problem>> {
    let (draft, mut problems) = read(document)?;
    if problems.len() > PROBLEM_COUNT_MAX {
        return Err(bounded(problems)); // More than is shown is not looked for.
    }
    match Definition::compile(draft) {
        Ok(compiled) if problems.is_empty() => return Ok(compiled),
        Ok(_) => {}
        Err(more) => {
            let known: BTreeSet<String> = problems.iter().map(|p| p.path.clone()).collect();
            problems.extend(more.into_iter().filter(|p| !known.contains(&p.path)));
        }
    }
    Err(bounded(problems))
}

fn read(document: &[u8]) -> Result<(Draft, Vec<Problem>), Vec<Problem>> {
    let refuse = |message: String| vec![Problem::new("", message)];
    if document.len() > DOCUMENT_SIZE_MAX {
        let size = document.len();
        return Err(refuse(format!("{size} bytes; at most {DOCUMENT_SIZE_MAX} are read")));
    }
    let value: Value = serde_json::from_slice(document).map_err(|e| refuse(e.to_string()))?;
    let Value::Object(object) = value else {
        return Err(refuse("a definition is an object with `id` and `tasks`".into()));
    };
    let mut reading = Reading::default();
    let draft = reading.definition(&object);
    Ok((draft, reading.problems))
}

/// Tables that tasks share, and what was found wrong so far.
#[derive(Default)]
struct Reading {
    problems: Vec<Problem>,
    ids: BTreeMap<String, u32>,
    types: BTreeMap<String, u32>,
    shapes: BTreeMap<Vec<String>, u32>,
    options: BTreeMap<String, u32>,
    texts: BTreeMap<(bool, String), u32>,
    /// Tasks that read the failure that they are called for, with the place where they do.
    failures: Vec<(u32, String)>,
}

impl Reading {
    fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    fn definition(&mut self, object: &Map<String, Value>) -> Draft {
        let unknown = object.keys().filter(|field| !FIELDS.contains(&field.as_str()));
        for field in unknown.take(PROBLEM_COUNT_MAX) {
            let near = hint_or_all(self.problems.len(), field, FIELDS);
            let message = format!("this field is not known{near}");
            self.problems.push(Problem::of_key(member(field).trim_start_matches('.'), message));
        }
        let mut draft = Draft::new(&self.text(object, "id", "").unwrap_or_default());
        if draft.name.is_empty() && !object.contains_key("id") {
            self.problem("id", "a definition needs an id, the name it is started by");
        }
        draft.title = self.text(object, "name", "");
        draft.description = self.text(object, "description", "");
        draft.version = self.text(object, "version", "");
        draft.consistency = self.text(object, "consistency", "");
        draft.deadline_ms = self.read_with(object, "deadline", positive_span);
        draft.max_concurrent_tasks = self.read_with(object, "max_concurrent_tasks", |value| {
            let number = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
            number.ok_or_else(|| "it must be a whole number above 0".to_string())
        });
        draft.result = object.get("result").map(Value::to_string);
        draft.defaults =
            object.get("defaults").filter(|value| !value.is_null()).map(Value::to_string);
        self.tasks(object, &mut draft);
        if let Some(handler) = object.get("on_error").filter(|handler| !handler.is_null()) {
            let named = ("run", "on_error");
            draft.on_error = self.handler(&mut draft, handler, named).map(|found| found.0);
        }
        self.failures_have_handlers(&draft);
        draft
    }

    /// Only what is called for a failure can read it.
    fn failures_have_handlers(&mut self, draft: &Draft) {
        let handlers = draft.handlers.iter().map(|found| found.handler).chain(draft.on_error);
        let handlers: BTreeSet<u32> = handlers.collect();
        for (task, path) in std::mem::take(&mut self.failures) {
            if !handlers.contains(&task) {
                self.problem(path, "`failure` is in view of error handlers only");
            }
        }
    }

    fn text(&mut self, object: &Map<String, Value>, field: &str, path: &str) -> Option<String> {
        match object.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(
                other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)),
            ) => {
                let found = kind_of(other);
                self.problem(
                    format!("{path}{field}"),
                    format!("{field} is {found}; a text is wanted"),
                );
                None
            }
        }
    }

    fn read_with<T>(
        &mut self,
        object: &Map<String, Value>,
        field: &str,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let value = object.get(field).filter(|value| !value.is_null())?;
        match read(value) {
            Ok(read) => Some(read),
            Err(wanted) => {
                self.problem(field, format!("{field} is {}; {wanted}", shown(value)));
                None
            }
        }
    }

    fn tasks(&mut self, object: &Map<String, Value>, draft: &mut Draft) {
        let Some(Value::Array(tasks)) = object.get("tasks") else {
            self.problem("tasks", "a definition needs `tasks`, a list of at least one task");
            return;
        };
        if tasks.len() > TASK_COUNT_MAX {
            let count = tasks.len();
            self.problem("tasks", format!("{count} tasks; at most {TASK_COUNT_MAX} are allowed"));
            return;
        }
        self.name_tasks(tasks);
        for (index, task) in tasks.iter().enumerate() {
            if self.is_full() {
                return;
            }
            match task.as_object() {
                Some(task) => self.task(draft, task, &format!("tasks[{index}]")),
                None => self.problem(format!("tasks[{index}]"), "a task is an object"),
            }
        }
        for (index, task) in tasks.iter().enumerate() {
            let handler = task.get("on_error").filter(|handler| !handler.is_null());
            if let Some(handler) = handler {
                self.task_handler(draft, index as u32, handler);
            }
        }
    }

    /// Whether more is wrong than is shown; the rest is not looked for.
    fn is_full(&self) -> bool {
        self.problems.len() > PROBLEM_COUNT_MAX
    }

    /// Numbers the ids first, since a task may depend on one that stands below it.
    fn name_tasks(&mut self, tasks: &[Value]) {
        for (index, task) in tasks.iter().enumerate() {
            if self.is_full() {
                return;
            }
            let path = format!("tasks[{index}].id");
            match task.get("id").and_then(Value::as_str) {
                Some(id) if !id.is_empty() => {
                    if let Some(first) = self.ids.get(id).copied() {
                        let id = shown(format_args!("{id:?}"));
                        self.problem(path, format!("the id {id} is taken by tasks[{first}]"));
                    } else {
                        self.ids.insert(id.to_string(), index as u32);
                    }
                }
                _ => self.problem(path, "a task needs an id, a text that is not empty"),
            }
        }
    }

    fn task(&mut self, draft: &mut Draft, task: &Map<String, Value>, path: &str) {
        let id = task.get("id").and_then(Value::as_str).unwrap_or_default().to_string();
        let dotted = format!("{path}.");
        let task_type = self.text(task, "task_type", &dotted).unwrap_or_default();
        if task_type.is_empty() && task.get("task_type").is_none_or(Value::is_string) {
            self.problem(format!("{path}.task_type"), "a task needs a task_type");
        }
        let empty = Map::new();
        let parameters = match task.get("parameters") {
            None | Some(Value::Null) => &empty,
            Some(Value::Object(parameters)) => parameters,
            Some(other) => {
                let message = format!("parameters is {}; an object is wanted", kind_of(other));
                self.problem(format!("{path}.parameters"), message);
                &empty
            }
        };
        self.branches(draft, &task_type, parameters, path);
        self.dependencies(draft, task, path);
        let options: Map<String, Value> = task
            .iter()
            .filter(|(name, _)| !TASK_FIELDS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut parameters = parameters.clone();
        if task_type == "decision" {
            // They stand among the branches.
            parameters.remove("conditions");
            parameters.remove("default");
        }
        self.push_task(draft, &id, &task_type, &parameters, &options);
    }

    fn dependencies(&mut self, draft: &mut Draft, task: &Map<String, Value>, path: &str) {
        let path = format!("{path}.depends_on");
        match task.get("depends_on") {
            None | Some(Value::Null) => {}
            Some(Value::Array(ids)) => {
                for (index, id) in ids.iter().enumerate() {
                    if self.is_full() {
                        break;
                    }
                    if let Some(task) = self.task_named(id, &format!("{path}[{index}]")) {
                        draft.deps.push(task);
                    }
                }
            }
            Some(other) => {
                self.problem(path, format!("depends_on is {}; a list is wanted", kind_of(other)));
            }
        }
        draft.dep_ends.push(draft.deps.len() as u32);
    }

    fn task_named(&mut self, id: &Value, path: &str) -> Option<u32> {
        let Some(id) = id.as_str() else {
            self.problem(path, format!("{}; the id of a task is wanted", kind_of(id)));
            return None;
        };
        let found = self.ids.get(id).copied();
        if found.is_none() {
            let known = self.ids.keys().map(String::as_str);
            let hint = hint(self.problems.len(), id, known);
            let id = shown(format_args!("{id:?}"));
            self.problem(path, format!("no task has the id {id}{hint}"));
        }
        found
    }

    fn branches(&mut self, draft: &mut Draft, kind: &str, params: &Map<String, Value>, path: &str) {
        if kind != "decision" {
            return;
        }
        let decision = draft.task_count() as u32;
        let path = format!("{path}.parameters");
        let Some(Value::Array(conditions)) = params.get("conditions") else {
            let wanted = "a decision needs `conditions`, a list of {condition, next_task}";
            self.problem(format!("{path}.conditions"), wanted);
            return;
        };
        for (index, entry) in conditions.iter().enumerate() {
            if self.is_full() {
                break;
            }
            let path = format!("{path}.conditions[{index}]");
            let condition = match entry.get("condition") {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Bool(constant)) => constant.to_string(),
                _ => {
                    self.problem(format!("{path}.condition"), "a branch needs a condition");
                    continue;
                }
            };
            let targets = self.targets(entry.get("next_task"), &format!("{path}.next_task"));
            draft.branches.push(DraftBranch { decision, condition, targets });
        }
        if let Some(default) = params.get("default") {
            let targets = self.targets(Some(default), &format!("{path}.default"));
            draft.branches.push(DraftBranch { decision, condition: "true".into(), targets });
        }
    }

    fn targets(&mut self, value: Option<&Value>, path: &str) -> Vec<u32> {
        match value {
            Some(Value::Array(ids)) => ids
                .iter()
                .enumerate()
                .map_while(|(index, id)| {
                    let is_full = self.is_full();
                    (!is_full).then(|| self.task_named(id, &format!("{path}[{index}]")))
                })
                .flatten()
                .collect(),
            Some(id @ Value::String(_)) => self.task_named(id, path).into_iter().collect(),
            _ => {
                self.problem(path, "next_task is the id of a task, or a list of them");
                Vec::new()
            }
        }
    }

    fn task_handler(&mut self, draft: &mut Draft, owner: u32, handler: &Value) {
        let path = format!("tasks[{owner}].on_error");
        let id: String = draft.id(owner as usize).chars().take(OWNER_SHOWN_MAX).collect();
        if let Some((handler, recovers)) = self.handler(draft, handler, (&id, &path)) {
            draft.handlers.push(DraftHandler { owner, handler, recovers });
        }
    }

    /// A handler is the id of a task of the document, or a task of its own given in place.
    fn handler(
        &mut self,
        draft: &mut Draft,
        handler: &Value,
        (owner, path): (&str, &str),
    ) -> Option<(u32, bool)> {
        let Value::Object(object) = handler else {
            return self.task_named(handler, path).map(|task| (task, false));
        };
        self.handler_members(object, path);
        let recovers = object.get("recovers").and_then(Value::as_bool).unwrap_or(false);
        if let Some(id) = object.get("task") {
            return self.task_named(id, &format!("{path}.task")).map(|task| (task, recovers));
        }
        let Some(task_type) = self.text(object, "task_type", &format!("{path}.")) else {
            self.problem(path, "an error handler is the id of a task, or has a `task_type`");
            return None;
        };
        let empty = Map::new();
        let parameters = object.get("parameters").and_then(Value::as_object).unwrap_or(&empty);
        let task = draft.task_count() as u32;
        let id = self.free_id(&format!("{owner}.on_error"));
        self.ids.insert(id.clone(), task);
        draft.dep_ends.push(draft.deps.len() as u32);
        if parameters.is_empty() {
            // Its first argument is the failure; with parameters it sees that as `event` instead.
            draft.args.push(DraftArg::Failure);
        }
        self.push_task(draft, &id, &task_type, parameters, &Map::new());
        Some((task, recovers))
    }

    fn handler_members(&mut self, object: &Map<String, Value>, path: &str) {
        const KNOWN: [&str; 4] = ["task", "task_type", "parameters", "recovers"];
        let unknown = object.keys().filter(|name| !KNOWN.contains(&name.as_str()));
        for name in unknown.take(PROBLEM_COUNT_MAX) {
            let near = hint_or_all(self.problems.len(), name, &KNOWN);
            let message = format!("{} is not known{near}", shown(name));
            self.problems.push(Problem::of_key(format!("{path}{}", member(name)), message));
        }
        if object.get("recovers").is_some_and(|recovers| !recovers.is_boolean()) {
            self.problem(format!("{path}.recovers"), "recovers must be true or false");
        }
        if object.get("parameters").is_some_and(|p| !p.is_object() && !p.is_null()) {
            self.problem(format!("{path}.parameters"), "parameters must be an object");
        }
    }

    fn free_id(&self, wanted: &str) -> String {
        (1..=u32::MAX)
            .map(|n| if n == 1 { wanted.to_string() } else { format!("{wanted}_{n}") })
            .find(|id| !self.ids.contains_key(id))
            .expect("fewer ids are taken than there are numbers")
    }

    fn push_task(
        &mut self,
        draft: &mut Draft,
        id: &str,
        task_type: &str,
        parameters: &Map<String, Value>,
        options: &Map<String, Value>,
    ) {
        draft.ids.push_str(id);
        draft.id_ends.push(draft.ids.len() as u32);
        draft.types.push(intern(&mut self.types, &mut draft.type_names, task_type.to_string()));
        let begun = draft.arg_ends.last().copied().unwrap_or(0) as usize;
        let given = in_order(parameters, draft.args.len() - begun);
        let mut shape: Vec<String> = given.iter().map(|(name, _)| (*name).to_string()).collect();
        if draft.args.len() > begun {
            shape.insert(0, FURTHER.to_string());
        }
        draft.shape_of.push(intern(&mut self.shapes, &mut draft.shapes, shape));
        let options = Value::Object(options.clone()).to_string();
        draft.option_of.push(intern(&mut self.options, &mut draft.options, options));
        for (name, value) in given {
            if value.as_str() == Some(FAILURE) {
                let task = draft.id_ends.len() as u32 - 1;
                self.failures.push((task, format!("tasks[{task}].parameters.{name}")));
                draft.args.push(DraftArg::Failure);
                continue;
            }
            let text = value.to_string();
            let is_template = text.contains("${");
            let table = if is_template { &mut draft.templates } else { &mut draft.consts };
            let next = table.len() as u32;
            let index = *self.texts.entry((is_template, text)).or_insert_with_key(|(_, text)| {
                table.push(text);
                next
            });
            let arg = if is_template { DraftArg::Template } else { DraftArg::Const };
            draft.args.push(arg(index));
        }
        draft.arg_ends.push(draft.args.len() as u32);
    }
}

fn intern<K: Ord + Clone>(known: &mut BTreeMap<K, u32>, table: &mut Vec<K>, value: K) -> u32 {
    *known.entry(value).or_insert_with_key(|value| {
        table.push(value.clone());
        table.len() as u32 - 1
    })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Seconds of a timer given as a constant, as milliseconds.
pub(super) fn constant_span(text: &str) -> Result<u64, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    span(&value)
}
