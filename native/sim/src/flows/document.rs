//! A definition in the form in which users write it.

use pyflow_core::consistency::Consistency;
use serde_json::{Value, json};

use super::claim::number;
use super::flow::{Branch, Condition, Flow, Items, Join, Key, Options, Reads, Task, Work};

/// What stands in for the field `more` of an input, which no start gives.
const DEFAULT_OF_MORE: u64 = 7;

/// The document of a flow.
pub(crate) fn document(flow: &Flow) -> Value {
    let tasks: Vec<Value> = flow.tasks.iter().map(|task| task_json(flow, task)).collect();
    let mut document = json!({ "id": flow.name, "tasks": tasks });
    if let Some(version) = &flow.version {
        document["version"] = json!(version);
    }
    if let Some(handler) = flow.on_error {
        document["on_error"] = json!({ "task": flow.tasks[handler].id });
    }
    if let Some(deadline_s) = flow.deadline_s {
        document["deadline"] = json!(deadline_s);
    }
    if let Some(most) = flow.max_concurrent_tasks {
        document["max_concurrent_tasks"] = json!(most);
    }
    if let Some(task) = flow.result_of {
        document["result"] = json!(output_of(&flow.tasks[task].id));
    }
    if let Some(consistency) = flow.consistency {
        document["consistency"] = json!(consistency_name(consistency));
    }
    if let Some(flag) = flow.default_flag {
        document["defaults"] = json!({ "flag": flag, "more": DEFAULT_OF_MORE });
    }
    document
}

fn consistency_name(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Strong => "strong",
        Consistency::Causal => "causal",
        Consistency::Session => "session",
        Consistency::MonotonicRead => "monotonic_read",
        Consistency::Eventual => "eventual",
    }
}

fn output_of(id: &str) -> String {
    format!("${{output.{id}}}")
}

fn task_json(flow: &Flow, task: &Task) -> Value {
    let id_of = |index: &usize| flow.tasks[*index].id.clone();
    let deps: Vec<String> = task.deps.iter().map(id_of).collect();
    let mut shown = json!({ "id": task.id, "depends_on": deps });
    work(flow, task, &mut shown);
    if let Some(join) = join_name(task.join) {
        shown["join"] = json!(join);
    }
    if task.condition != Condition::True {
        shown["condition"] = json!(task.condition.text(flow));
    }
    if let Some(handler) = task.handler {
        let id = id_of(&handler.task);
        shown["on_error"] = json!({ "task": id, "recovers": handler.recovers });
    }
    options(&task.options, &mut shown);
    shown
}

fn work(flow: &Flow, task: &Task, shown: &mut Value) {
    let id_of = |index: usize| flow.tasks[index].id.clone();
    match &task.work {
        Work::Activity { task_type } => shown["task_type"] = json!(task_type),
        Work::Map { task_type, items } => {
            shown["task_type"] = json!(task_type);
            shown["parameters"] = json!({ "item": "${item}", "index": "${index}" });
            if *task_type == "timer" {
                shown["parameters"]["seconds"] = json!("${item}");
            }
            shown["for_each"] = match items {
                Items::Numbers(count) => json!((0..*count).collect::<Vec<_>>()),
                Items::OutputOf(dep) => json!(output_of(&id_of(*dep))),
            };
        }
        Work::Noop => shown["task_type"] = json!("noop"),
        Work::Now => shown["task_type"] = json!("now"),
        Work::Timer { span_ms } => {
            shown["task_type"] = json!("timer");
            let seconds = *span_ms as f64 / 1_000.0;
            shown["parameters"] = json!({ "seconds": seconds });
        }
        Work::Gateway => shown["task_type"] = json!("gateway"),
        Work::Transformation { has_items } => {
            let name = if *has_items { "items" } else { "values" };
            shown["task_type"] = json!("data_transformation");
            shown["parameters"] = json!({ "operation": "average", name: [1, 2, 6], "name": "n" });
        }
        Work::Decision { branches, default } => {
            let branch = |branch: &Branch| {
                let targets = branch.targets.iter().map(|target| id_of(*target));
                let targets: Vec<String> = targets.collect();
                json!({ "condition": branch.condition.text(flow), "next_task": targets })
            };
            let branches: Vec<Value> = branches.iter().map(branch).collect();
            shown["task_type"] = json!("decision");
            shown["parameters"] = json!({ "conditions": branches });
            if let Some(default) = default {
                shown["parameters"]["default"] = json!(id_of(*default));
            }
        }
    }
    if task.is_told {
        tell(task, flow, shown);
    }
    match &task.reads {
        Some(Reads::Output(read)) => {
            shown["parameters"]["value"] = json!(output_of(&id_of(*read)));
        }
        Some(Reads::List(read)) => {
            let outputs = read.iter().map(|task| output_of(&id_of(*task)));
            shown["parameters"]["value"] = outputs.collect();
        }
        None => {}
    }
}

/// Parameters whose values the simulator foretells.
fn tell(task: &Task, flow: &Flow, shown: &mut Value) {
    let told = [
        ("run", "${run.id}"),
        ("attempt", "${run.attempt}"),
        ("asked", "${input.flag}"),
        ("merged", "${$.flag}"),
        ("now", "${now()}"),
    ];
    for (name, text) in told {
        shown["parameters"][name] = json!(text);
    }
    if let Some(seed) = task.counts {
        let (counted, _) = number(seed, &Condition::Flag.text(flow));
        shown["parameters"]["counted"] = json!(format!("${{{counted}}}"));
        shown["parameters"]["said"] = json!(format!("<${{{counted}}} of ${{run.id}}>"));
    }
    shown["parameters"]["constant"] = json!({ "is": ["always", 7] });
    let is_of_run = flow.on_error.is_some_and(|handler| flow.tasks[handler].id == task.id);
    if task.handles.is_some() || is_of_run {
        shown["parameters"]["failure"] = json!("${failure}");
        shown["parameters"]["why"] = json!("${event.message}");
    }
}

fn join_name(join: Join) -> Option<String> {
    match join {
        Join::AllSuccess => None,
        Join::AllDone => Some("all_done".into()),
        Join::AnySuccess => Some("any_success".into()),
        Join::NoneFailedMinOneSuccess => Some("none_failed_min_one_success".into()),
        Join::CountOf(count) => Some(format!("n_of_m:{count}")),
    }
}

fn options(options: &Options, shown: &mut Value) {
    let spans = [
        ("base_delay", options.base_delay_s),
        ("max_delay", options.max_delay_s),
        ("retry_budget", options.retry_budget_s),
        ("timeout", options.timeout_s),
        ("queue_timeout", options.queue_timeout_s),
        ("heartbeat_timeout", options.heartbeat_timeout_s),
        ("total_timeout", options.total_timeout_s),
    ];
    for (name, span_s) in spans {
        if let Some(span_s) = span_s {
            shown[name] = json!(span_s);
        }
    }
    for (name, kind) in [("retry_on", options.retry_on), ("no_retry_on", options.no_retry_on)] {
        if let Some(kind) = kind {
            shown[name] = json!([kind]);
        }
    }
    if let Some(percent) = options.jitter_percent {
        shown["jitter"] = json!(percent as f64 / 100.0);
    }
    if options.max_retries > 0 {
        shown["max_retries"] = json!(options.max_retries);
    }
    if let Some(most) = options.max_deliveries {
        shown["max_deliveries"] = json!(most);
    }
    if let Some(priority) = options.priority {
        shown["priority"] = json!(["high", "normal", "low"][usize::from(priority)]);
    }
    if let Some(most) = options.concurrency.filter(|_| !options.is_concurrency_untold) {
        shown["concurrency"] = json!(most);
    }
    if let Some(key) = options.concurrency_key {
        shown["concurrency_key"] = match key {
            Key::Shared => json!("shared"),
            Key::OfRun => json!("${run.id}"),
            Key::OfPlace => json!("${index < 2}"),
        };
    }
    if let Some((count, window_ms)) = options.rate {
        let unit = match window_ms {
            1_000 => "s",
            60_000 => "m",
            _ => "h",
        };
        shown["rate_limit"] = json!(format!("{count}/{unit}"));
    }
    if options.is_fair {
        shown["fairness_key"] = json!("${run.id}");
    }
    if options.at_most_once {
        shown["delivery"] = json!("at_most_once");
    }
}

/// The input of a run that gives this flag, or none.
pub(crate) fn input_of(flow: &Flow, flag: Option<bool>) -> Value {
    match (flag, flow.default_flag) {
        (Some(flag), None) => json!({ "flag": flag }),
        (None, None) => json!({}),
        (flag, Some(default)) => {
            json!({ "flag": flag.unwrap_or(default), "more": DEFAULT_OF_MORE })
        }
    }
}
