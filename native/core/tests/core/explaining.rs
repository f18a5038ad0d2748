//! Why is this task not running? Each kind of answer.

use pyflow_core::command::RunVerb;
use pyflow_core::schedule::Pool;
use pyflow_core::shard::ShardSettings;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

/// The blockers of one task, or of the run where none is named.
fn blockers(rig: &Rig, run_id: &str, name: Option<&str>) -> Vec<Value> {
    rig.look(run_id, |run| {
        let instance = name.map(|name| run.find_instance(name).expect("the run has the task"));
        let answer = rig.shard.explain(run, instance, rig.now);
        let found =
            if name.is_some() { &answer["tasks"][0]["blockers"] } else { &answer["blockers"] };
        found.as_array().expect("blockers are a list").clone()
    })
}

fn text_of(found: &[Value]) -> &str {
    found[0]["text"].as_str().expect("a blocker has a text")
}

fn kinds(rig: &Rig, name: &str) -> Vec<String> {
    let found = blockers(rig, "r", Some(name));
    found.iter().map(|blocker| blocker["kind"].as_str().unwrap_or("").to_string()).collect()
}

#[test]
fn a_task_waits_for_its_dependencies() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &[]), task("c", &["a", "b"])]));
    rig.complete("a");

    let found = blockers(&rig, "r", Some("c"));

    assert_eq!(found[0]["kind"], "dependency");
    assert_eq!(
        (&found[0]["ids"], &found[0]["count"], &found[0]["limit"]),
        (&json!(["b"]), &json!(1), &json!(2))
    );
}

#[test]
fn a_task_was_not_chosen_or_waits_for_a_failure() {
    let skipped = with(task("a", &[]), &json!({"condition": "false"}));
    let failing = with(task("b", &[]), &json!({"on_error": "h"}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[skipped, failing, task("h", &[]), task("after", &["a"])]));

    assert_eq!(kinds(&rig, "a"), ["condition"]);
    assert_eq!(kinds(&rig, "after"), ["condition"]);
    let called = blockers(&rig, "r", Some("h"));
    assert_eq!((&called[0]["kind"], &called[0]["ids"]), (&json!("condition"), &json!(["b"])));
}

#[test]
fn a_timer_or_a_delay_is_running() {
    let timer = json!({"id": "t", "task_type": "timer", "parameters": {"seconds": 60}});
    let retried = with(task("a", &[]), &json!({"max_retries": 1, "base_delay": 10, "jitter": 0}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[timer, retried]));
    rig.fail("a");
    rig.advance(4_000);

    let (timer, delay) = (blockers(&rig, "r", Some("t")), blockers(&rig, "r", Some("a")));

    assert_eq!((&timer[0]["kind"], &timer[0]["wait_s"]), (&json!("timer"), &json!(56.0)));
    assert_eq!((&delay[0]["kind"], &delay[0]["wait_s"]), (&json!("backoff"), &json!(6.0)));
    assert!(delay[0]["text"].as_str().is_some_and(|text| text.contains("ValueError happened")));
}

#[test]
fn permits_are_taken() {
    let keyed = |id: &str| with(task(id, &[]), &json!({"concurrency_key": "printer"}));
    let map = with(task("m", &[]), &json!({"for_each": [0, 1], "concurrency": 1}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[keyed("a"), keyed("b"), map]));

    let found = blockers(&rig, "r", Some("b"));

    assert_eq!((&found[0]["kind"], &found[0]["key"]), (&json!("concurrency"), &json!("printer")));
    assert_eq!(kinds(&rig, "m[1]"), ["concurrency"]);
    assert_eq!(kinds(&rig, "m"), ["dependency"]);
}

#[test]
fn as_many_runs_are_at_work_as_may_be() {
    let settings = ShardSettings { max_concurrent_runs: 1, ..ShardSettings::default() };
    let mut rig = Rig::with(settings);
    rig.run("first", &document(&[task("a", &[])]));
    rig.run("r", &document(&[task("a", &[])]));

    let found = blockers(&rig, "r", None);

    assert_eq!((&found[0]["kind"], &found[0]["limit"]), (&json!("concurrency"), &json!(1)));
}

#[test]
fn a_rate_holds_it_back() {
    let limited = |id: &str| with(task(id, &[]), &json!({"rate_limit": "1/m"}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[limited("a"), limited("b")]));
    rig.advance(20_000);

    let found = blockers(&rig, "r", Some("b"));

    assert_eq!((&found[0]["kind"], &found[0]["wait_s"]), (&json!("rate"), &json!(40.0)));
}

#[test]
fn every_slot_is_taken() {
    let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
    rig.run("r", &document(&[task("a", &[]), task("b", &[]), task("c", &[])]));

    let found = blockers(&rig, "r", Some("c"));

    assert_eq!((&found[0]["kind"], &found[0]["count"]), (&json!("queue"), &json!(2)));
}

#[test]
fn suspects_run_alone_before_it() {
    let mut rig = Rig::with_slots(ShardSettings::default(), [8, 0, 0]);
    rig.run("r", &document(&[task("a", &[]), task("b", &[])]));
    for _ in 0..3 {
        rig.restart(false);
    }
    rig.run("other", &with(document(&[task("x", &[])]), &json!({"id": "other"})));
    rig.advance(1_000);

    let beside = blockers(&rig, "other", Some("x"));

    assert_eq!(rig.names(), ["a"]);
    assert_eq!((&beside[0]["kind"], &beside[0]["ids"]), (&json!("queue"), &json!(["r", "a"])));
    assert_eq!(beside[0]["wait_s"], json!(4.0));
    assert!(text_of(&beside).starts_with("a task runs alone"), "{beside:?}");
}

#[test]
fn a_suspect_waits_for_a_worker_to_itself_and_others_wait_for_it() {
    let limited = json!({"task_type": "other", "rate_limit": "1/m"});
    let nap = json!({"id": "nap", "task_type": "timer", "parameters": {"seconds": 62}});
    let tasks = [with(task("limited", &[]), &limited), nap, task("late", &["nap"])];
    let mut rig = Rig::with_slots(ShardSettings::default(), [8, 0, 0]);
    rig.run("r", &document(&tasks));
    rig.restart(false);
    rig.run("other", &with(document(&[task("long", &[])]), &json!({"id": "second"})));
    rig.advance(63_000);

    let (suspect, late) = (blockers(&rig, "r", Some("limited")), blockers(&rig, "r", Some("late")));

    assert_eq!(rig.names(), ["long"]);
    assert!(text_of(&suspect).contains("waits for a worker with no other work"), "{suspect:?}");
    assert!(text_of(&late).starts_with("a task goes first, alone"), "{late:?}");
}

#[test]
fn no_worker_is_there_or_none_knows_the_type() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[json!({"id": "a", "task_type": "unknown"})]));
    assert_eq!(kinds(&rig, "a"), ["unknown_type"]);

    let session = rig.shard.sessions().ids()[0];
    rig.close(session, pyflow_core::event::LeaseEnd::Returned);
    assert_eq!(kinds(&rig, "a"), ["no_worker"]);
    rig.connect_with([1, 0, 0], &[("unknown", Pool::Async)]);

    assert_eq!(kinds(&rig, "a"), [""; 0], "it is at work");
}

#[test]
fn the_run_is_paused() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &["a"])]));
    rig.control("r", RunVerb::Pause).expect("it can be paused");
    rig.complete("a");

    assert_eq!(kinds(&rig, "b"), ["paused"]);
    assert_eq!(blockers(&rig, "r", None)[0]["kind"], "paused");
}
