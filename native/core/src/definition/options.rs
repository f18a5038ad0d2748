//! The options of a task, read from their JSON form, in which only what differs from the default
//! is written. Durations are in seconds there and in milliseconds here.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::problem::{Problem, hint, member};
use crate::expr::{ExprError, Expression, Template};
use crate::limits::{PROBLEM_COUNT_MAX, RETRY_COUNT_MAX, SPAN_MS_MAX};
use crate::names::shown;

/// Urgency, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Priority {
    High = 0,
    Normal = 1,
    Low = 2,
}

impl Priority {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "high" => Some(Self::High),
            "normal" => Some(Self::Normal),
            "low" => Some(Self::Low),
            _ => None,
        }
    }

    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Self::High,
            1 => Self::Normal,
            _ => Self::Low,
        }
    }
}

/// When a task opens, given how its dependencies ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    AllSuccess,
    AllDone,
    AnySuccess,
    NoneFailedMinOneSuccess,
    CountOf(u32),
}

impl Join {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all_success" => Some(Self::AllSuccess),
            "all_done" => Some(Self::AllDone),
            "any_success" => Some(Self::AnySuccess),
            "none_failed_min_one_success" => Some(Self::NoneFailedMinOneSuccess),
            _ => text.strip_prefix("n_of_m:")?.parse().ok().filter(|n| *n > 0).map(Self::CountOf),
        }
    }
}

/// What is known of an attempt whose report never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    AtLeastOnce,
    AtMostOnce,
}

/// The form of a key that may depend on the run: a constant or a template.
#[derive(Clone, Debug)]
pub struct KeyTemplate(pub Template);

/// How a task is retried, limited, ordered and joined.
#[derive(Clone, Debug)]
pub struct TaskOptions {
    pub max_retries: u32,
    pub base_delay_ms: u64,
    pub max_delay_ms: u64,
    /// The share of a delay that varies from attempt to attempt, 0 to 1.
    pub jitter: f64,
    /// Kinds of errors that are retried; none: any.
    pub retry_on: Option<Vec<Arc<str>>>,
    pub no_retry_on: Vec<Arc<str>>,
    pub retry_budget_ms: Option<u64>,
    pub timeout_ms: Option<u64>,
    pub queue_timeout_ms: Option<u64>,
    pub heartbeat_timeout_ms: Option<u64>,
    pub total_timeout_ms: Option<u64>,
    pub max_deliveries: u32,
    pub priority: Option<Priority>,
    pub concurrency_key: Option<KeyTemplate>,
    pub concurrency: Option<u32>,
    pub rate_limit: Option<RateLimit>,
    pub fairness_key: Option<KeyTemplate>,
    pub delivery: Delivery,
    pub condition: Option<Expression>,
    pub join: Join,
    /// The items of a map, a template that gives a list.
    pub for_each: Option<Template>,
}

/// So many starts in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RateLimit {
    pub count: u32,
    pub window_ms: u64,
}

impl RateLimit {
    /// Reads `10/s`, `600/m`, `5/h`.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let window_ms = match unit.trim() {
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        let count = count.trim().parse().ok().filter(|count| *count > 0)?;
        Some(Self { count, window_ms })
    }
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            max_retries: 0,
            base_delay_ms: 1_000,
            max_delay_ms: 60_000,
            jitter: 0.1,
            retry_on: None,
            no_retry_on: Vec::new(),
            retry_budget_ms: None,
            timeout_ms: None,
            queue_timeout_ms: None,
            heartbeat_timeout_ms: None,
            total_timeout_ms: None,
            max_deliveries: 3,
            priority: None,
            concurrency_key: None,
            concurrency: None,
            rate_limit: None,
            fairness_key: None,
            delivery: Delivery::AtLeastOnce,
            condition: None,
            join: Join::AllSuccess,
            for_each: None,
        }
    }
}

impl TaskOptions {
    /// Reads options from their JSON object; `path` is where they stand, for the problems found.
    pub fn parse(object: &Map<String, Value>, path: &str, problems: &mut Vec<Problem>) -> Self {
        let mut options = Self::default();
        for (name, value) in object {
            if value.is_null() || name == "on_error" {
                continue;
            }
            if problems.len() > PROBLEM_COUNT_MAX {
                break; // More than is shown is not looked for.
            }
            if let Err(wanted) = options.set(name, value) {
                problems.push(wanted.problem(path, name, value, problems.len()));
            }
        }
        options
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), Wanted> {
        match name {
            // These say something to the worker or to the definition's reader, not to the core.
            "name" | "description" => drop(one_of(value, Some, "it must be a text")?),
            "executor" => drop(one_of(value, executor, EXECUTORS)?),
            "max_retries" => self.max_retries = count(value, 0, RETRY_COUNT_MAX)?,
            "base_delay" | "base_delay_s" => self.base_delay_ms = span(value)?,
            "max_delay" | "max_delay_s" => self.max_delay_ms = span(value)?,
            "jitter" => self.jitter = share(value)?,
            "retry_on" => self.retry_on = Some(names(value)?),
            "no_retry_on" => self.no_retry_on = names(value)?,
            "retry_budget" | "retry_budget_s" => self.retry_budget_ms = Some(span(value)?),
            "timeout" | "timeout_s" => self.timeout_ms = Some(positive_span(value)?),
            "queue_timeout" | "queue_timeout_s" => {
                self.queue_timeout_ms = Some(positive_span(value)?);
            }
            "heartbeat_timeout" | "heartbeat_timeout_s" => {
                self.heartbeat_timeout_ms = Some(positive_span(value)?);
            }
            "total_timeout" | "total_timeout_s" => {
                self.total_timeout_ms = Some(positive_span(value)?);
            }
            "max_deliveries" => self.max_deliveries = count(value, 1, RETRY_COUNT_MAX)?,
            "priority" => self.priority = Some(one_of(value, Priority::parse, PRIORITIES)?),
            "concurrency_key" => self.concurrency_key = Some(KeyTemplate(key(value)?)),
            "concurrency" => self.concurrency = Some(count(value, 1, u32::MAX)?),
            "rate_limit" => self.rate_limit = Some(one_of(value, RateLimit::parse, RATES)?),
            "fairness_key" => self.fairness_key = Some(KeyTemplate(key(value)?)),
            "delivery" => self.delivery = one_of(value, delivery, DELIVERIES)?,
            "condition" => self.condition = Some(condition(value)?),
            "join" => self.join = one_of(value, Join::parse, JOINS)?,
            "for_each" => self.for_each = Some(items(value)?),
            _ => return Err(Wanted::Known),
        }
        Ok(())
    }
}

/// The options as files name them.
const NAMES: [&str; 23] = [
    "name",
    "description",
    "executor",
    "max_retries",
    "base_delay",
    "max_delay",
    "jitter",
    "retry_on",
    "no_retry_on",
    "retry_budget",
    "timeout",
    "queue_timeout",
    "heartbeat_timeout",
    "total_timeout",
    "max_deliveries",
    "priority",
    "concurrency_key",
    "concurrency",
    "rate_limit",
    "fairness_key",
    "delivery",
    "condition",
    "join",
];
/// What else a task of a file may have.
const FIELD_NAMES: [&str; 6] =
    ["id", "task_type", "parameters", "depends_on", "for_each", "on_error"];

/// Why an option is refused.
enum Wanted {
    /// Another value.
    Value(String),
    /// Another expression.
    Expression(Box<ExprError>),
    /// An option that there is.
    Known,
}

impl From<String> for Wanted {
    fn from(wanted: String) -> Self {
        Self::Value(wanted)
    }
}

impl From<ExprError> for Wanted {
    fn from(error: ExprError) -> Self {
        Self::Expression(error.into())
    }
}

impl Wanted {
    fn problem(self, path: &str, name: &str, value: &Value, before_count: usize) -> Problem {
        let path = format!("{path}{}", member(name));
        match self {
            Self::Value(wanted) => {
                Problem::new(path, format!("{} is {}; {wanted}", shown(name), shown(value)))
            }
            Self::Expression(error) => Problem::of_expression(&path, &error),
            Self::Known => {
                let known = NAMES.into_iter().chain(FIELD_NAMES);
                let hint = hint(before_count, name, known);
                let message = format!("{} is no option that is known{hint}", shown(name));
                Problem::of_key(path, message)
            }
        }
    }
}

const PRIORITIES: &str = "it must be \"high\", \"normal\" or \"low\"";
const RATES: &str =
    "it must be a count per second, minute or hour, as \"10/s\", \"600/m\", \"5/h\"";
const DELIVERIES: &str = "it must be \"at_least_once\" or \"at_most_once\"";
const JOINS: &str = "it must be \"all_success\", \"all_done\", \"any_success\", \
    \"none_failed_min_one_success\" or \"n_of_m:<n>\"";

const EXECUTORS: &str = "it must be \"async\", \"thread\" or \"process\"";

fn executor(text: &str) -> Option<&str> {
    matches!(text, "async" | "thread" | "process").then_some(text)
}

/// A key: a text, which may hold expressions.
fn key(value: &Value) -> Result<Template, Wanted> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| "it must be a text that is not empty".to_string())?;
    template(value)
}

/// The items of a map: a list, or one expression that gives one.
fn items(value: &Value) -> Result<Template, Wanted> {
    let is_expression = value
        .as_str()
        .is_some_and(|text| text.trim().starts_with("${") && text.trim().ends_with('}'));
    if !is_expression && !value.is_array() {
        return Err("it must be a list, or one expression `${...}` that gives one"
            .to_string()
            .into());
    }
    template(value)
}

fn delivery(text: &str) -> Option<Delivery> {
    match text {
        "at_least_once" => Some(Delivery::AtLeastOnce),
        "at_most_once" => Some(Delivery::AtMostOnce),
        _ => None,
    }
}

fn one_of<'a, T>(
    value: &'a Value,
    parse: fn(&'a str) -> Option<T>,
    wanted: &str,
) -> Result<T, String> {
    value.as_str().and_then(parse).ok_or_else(|| wanted.to_string())
}

fn count(value: &Value, least: u32, most: u32) -> Result<u32, String> {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("it must be a whole number from {least} to {most}"))
}

fn share(value: &Value) -> Result<f64, String> {
    match value.as_bool() {
        Some(on) => Some(if on { 0.1 } else { 0.0 }),
        None => value.as_f64().filter(|share| (0.0..=1.0).contains(share)),
    }
    .ok_or_else(|| "it must be true, false or a share from 0 to 1".to_string())
}

/// A duration in seconds, as milliseconds.
pub(super) fn span(value: &Value) -> Result<u64, String> {
    let most_s = SPAN_MS_MAX / 1000;
    value
        .as_f64()
        .filter(|seconds| (0.0..=most_s as f64).contains(seconds))
        .map(|seconds| (seconds * 1000.0).ceil() as u64)
        .ok_or_else(|| format!("it must be seconds, from 0 to {most_s}"))
}

pub(super) fn positive_span(value: &Value) -> Result<u64, String> {
    span(value)
        .and_then(|ms| if ms > 0 { Ok(ms) } else { Err("it must be above 0 seconds".into()) })
}

fn names(value: &Value) -> Result<Vec<Arc<str>>, String> {
    let wanted = || "it must be a list of the names of error kinds".to_string();
    let list = value.as_array().ok_or_else(wanted)?;
    list.iter().map(|name| name.as_str().map(Arc::from).ok_or_else(wanted)).collect()
}

fn template(value: &Value) -> Result<Template, Wanted> {
    Template::compile(value.to_string().as_bytes()).map_err(Wanted::from)
}

/// A condition, with or without `${...}` around it; a boolean stands for itself.
fn condition(value: &Value) -> Result<Expression, Wanted> {
    match value {
        Value::Bool(constant) => Ok(Expression::compile(&constant.to_string())?),
        Value::String(text) => {
            Ok(Expression::compile_either(text).map_err(|error| error.in_text(text))?)
        }
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err("it must be an expression".to_string().into())
        }
    }
}
