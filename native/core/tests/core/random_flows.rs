//! Definitions made by chance: every kind of task, join and option.

use serde_json::{Value, json};

use crate::support::Dice;

const JOINS: [&str; 5] =
    ["all_success", "all_done", "any_success", "none_failed_min_one_success", "n_of_m:1"];

/// A definition of about `count` tasks that can be deployed.
pub(crate) fn document(dice: &mut Dice, id: &str, count: usize) -> Value {
    let mut making = Making { dice, tasks: Vec::new() };
    for place in 0..count.max(1) {
        making.add(place);
    }
    let mut document = json!({"id": id, "tasks": making.tasks});
    if dice.chance(20) {
        document["on_error"] = json!({"task_type": "work"});
    }
    if dice.chance(15) {
        document["deadline"] = json!(1 + dice.below(600));
    }
    if dice.chance(15) {
        document["max_concurrent_tasks"] = json!(1 + dice.below(3));
    }
    if dice.chance(10) {
        document["result"] = json!("${output.t0}");
    }
    document
}

struct Making<'a> {
    dice: &'a mut Dice,
    tasks: Vec<Value>,
}

impl Making<'_> {
    fn add(&mut self, place: usize) {
        let id = format!("t{place}");
        let deps = self.dependencies(place);
        let mut task = json!({"id": id, "depends_on": deps});
        match self.dice.below(20) {
            0 => task["task_type"] = json!("noop"),
            1 => self.timer(&mut task),
            2 => task["task_type"] = json!("now"),
            3 if !deps.is_empty() => task["task_type"] = json!("gateway"),
            4 => transformation(&mut task),
            5..=7 => return self.decision(task, place),
            8..=10 => self.map(&mut task, &deps),
            _ => self.activity(&mut task, &deps),
        }
        self.options(&mut task, &deps);
        self.tasks.push(task);
    }

    fn dependencies(&mut self, place: usize) -> Vec<String> {
        let mut deps: Vec<usize> = Vec::new();
        for _ in 0..self.dice.below(4) {
            if place > 0 {
                // Mostly near ones, so that graphs grow long.
                let back = 1 + self.dice.below(place.min(5));
                deps.push(place - back);
            }
        }
        deps.sort_unstable();
        deps.dedup();
        deps.into_iter().map(|dep| self.tasks[dep]["id"].as_str().unwrap_or("t0").into()).collect()
    }

    fn timer(&mut self, task: &mut Value) {
        task["task_type"] = json!("timer");
        task["parameters"] = json!({"seconds": self.dice.below(100)});
    }

    /// A decision that names tasks which come after it: they are added with it.
    fn decision(&mut self, mut task: Value, place: usize) {
        let id = format!("t{place}");
        let (left, right) = (format!("t{place}_left"), format!("t{place}_right"));
        let condition = ["true", "false", "1 == 2", "input.flag == true"][self.dice.below(4)];
        task["task_type"] = json!("decision");
        let next: Value = if self.dice.chance(30) { json!([left, right]) } else { json!(left) };
        task["parameters"] = json!({"conditions": [{"condition": condition, "next_task": next}]});
        if self.dice.chance(70) {
            task["parameters"]["default"] = json!(right);
        }
        self.tasks.push(task);
        let mut others = self.tasks[..self.tasks.len() - 1].to_vec();
        for target in [left, right] {
            let mut chosen = json!({"id": target, "task_type": "work", "depends_on": [id]});
            if self.dice.chance(30)
                && let Some(other) = self.dice.pick(&others)
            {
                let other = other["id"].clone();
                chosen["depends_on"] = json!([id, other]);
                chosen["join"] = json!(JOINS[self.dice.below(5)]);
            }
            self.tasks.push(chosen);
            others.clear();
        }
    }

    fn map(&mut self, task: &mut Value, deps: &[String]) {
        task["task_type"] = json!("work");
        task["parameters"] = json!({"item": "${item}"});
        task["for_each"] = match deps.first() {
            Some(dep) if self.dice.chance(30) => json!(format!("${{output.{dep}}}")),
            _ => json!((0..self.dice.below(5)).collect::<Vec<_>>()),
        };
        if self.dice.chance(40) {
            task["concurrency"] = json!(1 + self.dice.below(2));
        }
    }

    fn activity(&mut self, task: &mut Value, deps: &[String]) {
        task["task_type"] = json!(["work", "work", "other", "heavy"][self.dice.below(4)]);
        if !deps.is_empty() && self.dice.chance(50) {
            let outputs: Vec<String> =
                deps.iter().map(|dep| format!("${{output.{dep}}}")).collect();
            let value = if self.dice.chance(50) { json!(outputs) } else { json!(outputs[0]) };
            task["parameters"] = json!({"value": value});
        }
        if self.dice.chance(10) {
            task["delivery"] = json!("at_most_once");
        }
    }

    fn options(&mut self, task: &mut Value, deps: &[String]) {
        let is_map = task.get("for_each").is_some();
        let is_worked_on =
            ["work", "other", "heavy"].contains(&task["task_type"].as_str().unwrap_or(""));
        if !deps.is_empty() && self.dice.chance(40) {
            task["join"] = json!(JOINS[self.dice.below(5)]);
        }
        if self.dice.chance(10) {
            task["condition"] = json!(["true", "false", "input.flag == true"][self.dice.below(3)]);
        }
        if self.dice.chance(20) {
            self.handler(task);
        }
        if !is_worked_on {
            return;
        }
        if task.get("delivery").is_none() && self.dice.chance(40) {
            task["max_retries"] = json!(1 + self.dice.below(3));
        }
        for name in ["timeout", "queue_timeout", "heartbeat_timeout", "total_timeout"] {
            if self.dice.chance(8) {
                task[name] = json!(1 + self.dice.below(60));
            }
        }
        if task.get("concurrency").is_none() && self.dice.chance(8) {
            task["concurrency_key"] = json!("shared");
        } else if !is_map && self.dice.chance(8) {
            task["concurrency"] = json!(1);
            task["task_type"] = json!("heavy");
        }
        if self.dice.chance(6) {
            task["rate_limit"] = json!(["2/s", "30/m"][self.dice.below(2)]);
        }
        if self.dice.chance(15) {
            task["priority"] = json!(["high", "low"][self.dice.below(2)]);
        }
        if self.dice.chance(10) {
            task["fairness_key"] = json!("${run.id}");
        }
        task["max_deliveries"] = json!(2);
    }

    fn handler(&mut self, task: &mut Value) {
        let recovers = self.dice.chance(50);
        if self.dice.chance(50) {
            let kind = ["work", "noop", "work"][self.dice.below(3)];
            task["on_error"] = json!({"task_type": kind, "recovers": recovers});
            return;
        }
        let id = format!("h_{}", task["id"].as_str().unwrap_or("task"));
        let mut handler = json!({"id": id, "task_type": "work"});
        if let Some(read) = task["depends_on"].get(0).and_then(Value::as_str) {
            handler["parameters"] = json!({"value": format!("${{output.{read}}}")});
        }
        if self.dice.chance(20) {
            handler["condition"] = json!("input.flag == true");
        }
        if self.dice.chance(40) {
            let own = self.dice.chance(50);
            handler["on_error"] = json!({"task_type": "work", "recovers": own});
        }
        self.tasks.push(handler);
        task["on_error"] = json!({"task": id, "recovers": recovers});
    }
}

fn transformation(task: &mut Value) {
    task["task_type"] = json!("data_transformation");
    task["parameters"] = json!({"operation": "average", "values": [1, 2, 3]});
}
