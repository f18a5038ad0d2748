//! Starts in a time: of a task type, or of each key.

use pyflow_core::shard::ShardSettings;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

fn keyed(keys: &[&str], rate: &str, concurrency: u32) -> Value {
    let options = json!({
        "for_each": keys, "concurrency_key": "${item}", "concurrency": concurrency,
        "rate_limit": rate,
    });
    document(&[with(task("m", &[]), &options)])
}

/// When each item was begun, in milliseconds, where each completes at once.
fn starts(rig: &mut Rig) -> Vec<(String, u64)> {
    let begun = rig.now;
    let mut starts = Vec::new();
    loop {
        while let Some(name) = rig.names().first().cloned() {
            starts.push((name.clone(), rig.now.since(begun)));
            rig.complete(&name);
        }
        if !rig.advance_to_wake() {
            return starts;
        }
    }
}

fn at(starts: &[(String, u64)], name: &str) -> u64 {
    starts.iter().find(|(started, _)| started == name).expect("it was begun").1
}

#[test]
fn the_rate_of_a_key_counts_for_each_key_by_itself() {
    let mut rig = Rig::new();
    rig.run("r", &keyed(&["a", "b", "c", "a", "a", "b"], "1/s", 5));

    let starts = starts(&mut rig);

    let times = [0, 1, 2, 3, 4, 5].map(|index| at(&starts, &format!("m[{index}]")));
    assert_eq!(times, [0, 0, 0, 1_000, 2_000, 1_000]);
}

#[test]
fn a_rate_without_a_key_counts_for_the_task_type() {
    let limited = |id: &str| with(task(id, &[]), &json!({"rate_limit": "1/s"}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[limited("a"), limited("b"), task("free", &[])]));

    let starts = starts(&mut rig);

    assert_eq!([at(&starts, "a"), at(&starts, "b"), at(&starts, "free")], [0, 1_000, 0]);
}

#[test]
fn a_whole_window_of_a_key_may_start_at_once_and_others_of_the_type_go_on_meanwhile() {
    let keys = ["a"; 6];
    let mut rig = Rig::new();
    rig.run("r", &keyed(&keys, "3/s", 10));
    rig.run("other", &document(&[with(task("plain", &[]), &json!({"rate_limit": "3/s"}))]));

    let starts = starts(&mut rig);

    let times = [0, 1, 2, 3, 4, 5].map(|index| at(&starts, &format!("m[{index}]")));
    assert_eq!(times, [0, 0, 0, 334, 667, 1_001]);
    assert_eq!(at(&starts, "plain"), 0, "no key's debt is the type's");
}

#[test]
fn the_starts_of_a_key_are_counted_on_after_a_restart() {
    let mut rig = Rig::new();
    rig.run("r", &keyed(&["a", "a"], "1/s", 1));
    rig.complete("m[0]");
    rig.advance(300);

    rig.restart(true);

    assert_eq!(rig.names(), [""; 0]);
    rig.advance(700);
    assert_eq!(rig.names(), ["m[1]"]);
}

#[test]
fn many_items_of_one_key_start_one_step_apart() {
    let keys = vec!["a"; 300];
    let mut rig = Rig::unchecked(ShardSettings::default(), [8, 8, 8]);
    rig.run("r", &keyed(&keys, "1/s", 4));

    let starts = starts(&mut rig);

    assert_eq!(starts.len(), 300);
    assert_eq!(starts[299].1, 299_000);
}

#[test]
fn a_key_held_back_by_its_rate_says_so_with_its_name() {
    let mut rig = Rig::new();
    rig.run("r", &keyed(&["a", "a"], "1/m", 5));
    rig.advance(20_000);

    let found = rig.look("r", |run| {
        let instance = run.find_instance("m[1]");
        rig.shard.explain(run, instance, rig.now)["tasks"][0]["blockers"].clone()
    });

    let blocker = &found[0];
    assert_eq!((&blocker["kind"], &blocker["key"]), (&json!("rate"), &json!("a")));
    assert_eq!(blocker["wait_s"], json!(40.0));
}
