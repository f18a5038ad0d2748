//! Every join with every way in which its dependencies can end.

use pyflow_core::command::TaskVerb;
use pyflow_core::lifecycle::{RunState, TaskState};
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Completed,
    Failed,
    Mended,
    Cancelled,
    Skipped,
    Unreached,
}

const ENDS: [End; 6] =
    [End::Completed, End::Failed, End::Mended, End::Cancelled, End::Skipped, End::Unreached];

/// The tasks that make `id` end in this way once `drive` has driven it.
fn source(id: &str, end: End) -> Vec<Value> {
    match end {
        End::Completed | End::Failed | End::Cancelled => vec![task(id, &[])],
        End::Mended => {
            let handler = json!({"task_type": "noop", "recovers": true});
            vec![with(task(id, &[]), &json!({"on_error": handler}))]
        }
        End::Skipped => vec![with(task(id, &[]), &json!({"condition": "false"}))],
        End::Unreached => {
            let before = format!("before_{id}");
            vec![task(&before, &[]), task(id, &[&before])]
        }
    }
}

fn drive(rig: &mut Rig, id: &str, end: End) {
    match end {
        End::Completed => rig.complete(id),
        End::Failed | End::Mended => rig.fail(id),
        End::Cancelled => {
            rig.on_task("r", id, TaskVerb::Cancel).expect("it can be cancelled");
            rig.report_cancelled(id);
        }
        End::Skipped => {}
        End::Unreached => rig.fail(&format!("before_{id}")),
    }
}

/// What the rule says, told apart from how the core finds it.
fn wanted(join: &str, ends: &[End]) -> TaskState {
    let is_good = |end: &&End| matches!(end, End::Completed | End::Mended);
    let is_bad = |end: &&End| matches!(end, End::Failed | End::Cancelled | End::Unreached);
    let (good, bad) = (ends.iter().filter(is_good).count(), ends.iter().filter(is_bad).count());
    let opens = match join {
        "all_success" | "none_failed_min_one_success" => bad == 0 && good > 0,
        "all_done" => true,
        "any_success" => good > 0,
        "n_of_m:2" => good >= 2,
        other => panic!("no rule {other}"),
    };
    if opens { TaskState::Leased } else { TaskState::Skipped }
}

fn combinations(count: usize) -> impl Iterator<Item = Vec<End>> {
    (0..ENDS.len().pow(count as u32)).map(move |number| {
        (0..count as u32).map(|place| ENDS[number / ENDS.len().pow(place) % ENDS.len()]).collect()
    })
}

fn check(join: &str, ends: &[End], order: &[usize]) {
    let ids = ["a", "b", "c"];
    let mut tasks: Vec<Value> =
        ends.iter().enumerate().flat_map(|(place, end)| source(ids[place], *end)).collect();
    tasks.push(with(task("join", &ids[..ends.len()]), &json!({"join": join})));
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    for place in order {
        drive(&mut rig, ids[*place], ends[*place]);
    }

    let found = rig.state("r", "join");
    assert_eq!(found, wanted(join, ends), "{join} of {ends:?} in the order {order:?}");
    if found == TaskState::Leased {
        rig.complete("join");
    }
    assert!(rig.run_state("r").is_terminal(), "{join} of {ends:?}");
}

#[test]
fn every_join_follows_its_rule_for_every_ending_of_two_dependencies_in_both_orders() {
    for join in
        ["all_success", "all_done", "any_success", "none_failed_min_one_success", "n_of_m:2"]
    {
        for ends in combinations(2) {
            check(join, &ends, &[0, 1]);
            check(join, &ends, &[1, 0]);
        }
    }
}

#[test]
fn every_join_follows_its_rule_for_every_ending_of_three_dependencies() {
    for join in
        ["all_success", "all_done", "any_success", "none_failed_min_one_success", "n_of_m:2"]
    {
        for ends in combinations(3) {
            check(join, &ends, &[2, 0, 1]);
        }
    }
}

/// A run whose last task waits for the first success of two.
fn any_of_two() -> Rig {
    let tasks = [
        task("a", &[]),
        task("b", &[]),
        with(task("join", &["a", "b"]), &json!({"join": "any_success"})),
    ];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig
}

#[test]
fn a_join_of_any_opens_at_the_first_success_and_only_once() {
    let mut rig = any_of_two();

    rig.complete("b");
    assert_eq!(rig.state("r", "join"), TaskState::Leased);
    rig.complete("join");
    rig.complete("a");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_failure_that_a_join_takes_in_its_stride_does_not_fail_the_run() {
    let mut rig = any_of_two();

    rig.fail("a");
    rig.complete("b");
    rig.complete("join");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_failure_before_a_join_that_waits_for_all_ends_fails_the_run_after_it() {
    let tasks = [task("a", &[]), with(task("join", &["a"]), &json!({"join": "all_done"}))];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.fail("a");
    rig.complete("join");

    assert_eq!(rig.run_state("r"), RunState::Failed);
}
