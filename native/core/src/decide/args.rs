//! The arguments of an attempt: rendered when it is handed out, the same for every attempt.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::view::View;
use crate::definition::{Arg, Filled, KeyTemplate};
use crate::expr::{ExprCode, ExprError, Fuel, SecretPlace, Template, too_large};
use crate::ids::{InstanceIndex, TaskIndex};
use crate::limits::PAYLOAD_SIZE_MAX;
use crate::payload::{NULL, Payload, is_too_deep, too_deep};
use crate::state::{Failure, Run};
use crate::time::Millis;

/// The arguments of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderedArgs {
    /// Each argument, in the order of the task's shape.
    pub values: Vec<Rendered>,
    /// The places that the worker fills with the values of secrets.
    pub secrets: Vec<SecretUse>,
}

/// An argument as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendered {
    Text(Bytes),
    /// A list, each item as it was recorded: who has read one before need not read it again.
    List(Vec<Bytes>),
}

impl Rendered {
    pub fn text(&self) -> Bytes {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(items) => listed(items),
        }
    }
}

/// The size of a list: a comma or a bracket behind each item, and one bracket more.
fn listed_size(items: &[Bytes]) -> usize {
    items.iter().map(|item| item.trim_ascii().len() + 1).sum::<usize>() + 2
}

fn listed(items: &[Bytes]) -> Bytes {
    let mut list = Vec::with_capacity(listed_size(items));
    list.push(b'[');
    for item in items {
        if list.len() > 1 {
            list.push(b',');
        }
        list.extend_from_slice(item.trim_ascii());
    }
    list.push(b']');
    list.into()
}

/// A place for a secret: bytes of an argument. Only what the definition itself names is one; the
/// same text in data that a task brought along stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    pub arg: usize,
    pub range: Range<usize>,
    pub name: Arc<str>,
}

/// Renders the arguments of an instance.
pub fn render_args(run: &Run, instance: InstanceIndex) -> Result<RenderedArgs, ExprError> {
    let definition = run.definition();
    let task = run.task_of(instance);
    let args = definition.args(task);
    let mut values = Vec::with_capacity(args.len());
    let mut secrets = Vec::new();
    let mut view = None;
    for (place, arg) in args.iter().enumerate() {
        values.push(match *arg {
            Arg::Const(index) => Rendered::Text(definition.constant(index)),
            Arg::Output(source) => Rendered::Text(output_of(run, TaskIndex(source))),
            Arg::Failure => Rendered::Text(failure_of(run, task)),
            Arg::Template(index) => match definition.template(index) {
                Filled::List(tasks) => list_of(run, tasks)?,
                Filled::Template(template) => {
                    let now = run.first_ready(instance).unwrap_or_default();
                    let view = view.get_or_insert_with(|| View::new(run, instance, now));
                    let (value, found) = render_marked(template, view)?;
                    let marked = found.into_iter();
                    secrets.extend(marked.map(|found| SecretUse {
                        arg: place,
                        range: found.range,
                        name: found.name,
                    }));
                    Rendered::Text(value)
                }
            },
        });
    }
    Ok(RenderedArgs { values, secrets })
}

/// The value of a key that may depend on the run.
pub fn key_of(run: &Run, instance: InstanceIndex, key: &KeyTemplate) -> Result<String, ExprError> {
    let now = run.first_ready(instance).unwrap_or_default();
    let json = render(&key.0, &View::new(run, instance, now))?;
    match serde_json::from_slice::<serde_json::Value>(&json) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        _ => Ok(String::from_utf8_lossy(&json).into_owned()),
    }
}

fn render_marked(
    template: &Template,
    view: &View<'_>,
) -> Result<(Bytes, Vec<SecretPlace>), ExprError> {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    template.render_marked(view, &mut Fuel::default(), &mut out, &mut places)?;
    Ok((out.into(), places))
}

pub(super) fn render(template: &Template, view: &View<'_>) -> Result<Bytes, ExprError> {
    let mut out = Vec::new();
    template.render(view, &mut Fuel::default(), &mut out)?;
    bounded(out.into())
}

/// A value that was put together of others, unless that has made it too deep to be kept.
pub(super) fn bounded(json: Bytes) -> Result<Bytes, ExprError> {
    if is_too_deep(&json) {
        return Err(ExprError::new(ExprCode::Failed, too_deep("the result", &json)));
    }
    Ok(json)
}

fn list_of(run: &Run, tasks: &[TaskIndex]) -> Result<Rendered, ExprError> {
    let texts: Vec<Bytes> = tasks.iter().map(|task| output_of(run, *task)).collect();
    if listed_size(&texts) > PAYLOAD_SIZE_MAX {
        return Err(too_large(PAYLOAD_SIZE_MAX));
    }
    Ok(Rendered::List(texts))
}

/// The output of a task as it was recorded; null where it has none, or has not ended.
pub(super) fn output_of(run: &Run, task: TaskIndex) -> Bytes {
    run.output(task.instance()).map_or_else(|| Bytes::from_static(NULL), Payload::json)
}

/// The failure that a handler is called for.
pub(super) fn failure_of(run: &Run, handler: TaskIndex) -> Bytes {
    let failure = match run.definition().handles(handler) {
        Some(owner) => run.failure(owner.instance()),
        None => run.unforgiven_failure(),
    };
    match failure {
        Some(failure) => failure_json(run, failure),
        None => Bytes::from_static(NULL),
    }
}

fn failure_json(run: &Run, failure: &Failure) -> Bytes {
    let shown = json!({
        "task_id": run.instance_id(failure.instance),
        "error_type": &*failure.error.error_type,
        "message": failure.error.message,
        "attempt": failure.attempt,
    });
    shown.to_string().into()
}

/// When an instance that is being looked at became ready; now where it is not known.
pub(super) fn ready_time(run: &Run, instance: InstanceIndex, now: Millis) -> Millis {
    run.first_ready(instance).unwrap_or(now)
}
