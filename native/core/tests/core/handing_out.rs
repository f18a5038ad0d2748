//! Who is next: urgency, deadlines, first come, fairness.

use pyflow_core::command::{RunVerb, StartRun};
use pyflow_core::definition::Priority;
use pyflow_core::schedule::{Strategy, Weights};
use pyflow_core::shard::ShardSettings;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

/// A rig whose only slot is taken by `busy`, so that all else has to queue.
fn busy(strategy: Strategy) -> Rig {
    let settings = ShardSettings { strategy, ..ShardSettings::default() };
    let mut rig = Rig::with_slots(settings, [1, 0, 0]);
    rig.run("busy", &with(document(&[task("busy", &[])]), &json!({"id": "busy"})));
    rig
}

/// The order in which the slot takes what is queued.
fn order(rig: &mut Rig) -> Vec<String> {
    let mut order = Vec::new();
    while let Some(name) = rig.names().first().cloned() {
        rig.complete(&name);
        order.push(name);
    }
    order[1..].to_vec()
}

fn urgent(id: &str, priority: &str) -> Value {
    with(task(id, &[]), &json!({"priority": priority}))
}

#[test]
fn the_most_urgent_goes_first_then_first_come() {
    let mut rig = busy(Strategy::Strict);
    let tasks = [
        urgent("low", "low"),
        task("normal_1", &[]),
        urgent("high", "high"),
        task("normal_2", &[]),
    ];

    rig.run("r", &document(&tasks));

    assert_eq!(order(&mut rig), ["high", "normal_1", "normal_2", "low"]);
}

#[test]
fn the_urgency_of_a_task_goes_before_that_of_its_run() {
    let mut rig = busy(Strategy::Strict);
    rig.run("r", &document(&[urgent("a", "high"), task("plain", &[])]));
    let start = StartRun { priority: Some(Priority::Low), ..Rig::start("s", "flow") };
    rig.begin(start).expect("it can be started");
    rig.run("t", &with(document(&[task("b", &[])]), &json!({"id": "other"})));

    let order = order(&mut rig);

    assert_eq!(order, ["a", "a", "plain", "b", "plain"]);
}

#[test]
fn who_came_first_goes_first_also_after_a_restart() {
    for pauses in [false, true] {
        let timer = json!({"id": "t", "task_type": "timer", "parameters": {"seconds": 10}});
        let mut rig = busy(Strategy::Strict);
        rig.run("r", &document(&[timer, task("late", &["t"])]));
        rig.advance(5_000);
        rig.run("s", &with(document(&[task("early", &[])]), &json!({"id": "other"})));
        rig.advance(5_000);
        if pauses {
            rig.control("s", RunVerb::Pause).expect("it can be paused");
        }

        rig.restart(true);
        if pauses {
            rig.control("s", RunVerb::Resume).expect("it can be resumed");
            rig.complete("late");
        }

        assert_eq!(rig.names(), ["early"], "pauses: {pauses}");
    }
}

#[test]
fn weighted_shares_let_every_urgency_have_its_turn() {
    let mut rig = busy(Strategy::WeightedFairShare(Weights([2, 1, 1])));
    let tasks: Vec<Value> = ["high", "normal", "low"]
        .iter()
        .flat_map(|kind| (0..4).map(move |n| urgent(&format!("{kind}_{n}"), kind)))
        .collect();

    rig.run("r", &document(&tasks));

    let order = order(&mut rig);
    let first: Vec<&str> = order[..8].iter().filter_map(|name| name.split('_').next()).collect();
    let count = |kind: &str| first.iter().filter(|name| **name == kind).count();
    assert_eq!((count("high"), count("normal"), count("low")), (4, 2, 2), "{first:?}");
}

#[test]
fn an_urgency_keeps_its_share_while_other_workers_are_served() {
    let strategy = Strategy::WeightedFairShare(Weights([3, 2, 1]));
    let settings = ShardSettings { strategy, ..ShardSettings::default() };
    let mut rig = Rig::with_slots(settings, [1, 0, 1]);
    let tasks: Vec<Value> = [("high", "work"), ("normal", "work"), ("low", "heavy")]
        .iter()
        .flat_map(|(kind, task_type)| {
            let typed = json!({ "task_type": task_type });
            (0..6).map(move |n| with(urgent(&format!("{kind}_{n}"), kind), &typed))
        })
        .collect();

    rig.run("r", &document(&tasks));

    let mut first = Vec::new();
    for _ in 0..5 {
        let names = rig.names();
        first.extend(names.iter().filter(|name| !name.starts_with("low")).cloned());
        for name in &names {
            rig.complete(name);
        }
    }
    let normal = first.iter().filter(|name| name.starts_with("normal")).count();
    assert_eq!(normal, 2, "{first:?}");
}

#[test]
fn within_an_urgency_the_earliest_deadline_goes_first() {
    let mut rig = busy(Strategy::Strict);
    for (name, deadline) in [("none", None), ("late", Some(900)), ("soon", Some(300))] {
        let mut flow = with(document(&[task(name, &[])]), &json!({"id": name}));
        if let Some(deadline) = deadline {
            flow["deadline"] = json!(deadline);
        }
        rig.run(name, &flow);
    }

    assert_eq!(order(&mut rig), ["soon", "late", "none"]);
}

#[test]
fn a_large_run_does_not_starve_a_small_one_of_another_fairness_key() {
    let mut rig = busy(Strategy::Strict);
    let fair = |id: &str, key: &str| with(task(id, &[]), &json!({"fairness_key": key}));
    let large: Vec<Value> = (0..4).map(|n| fair(&format!("large_{n}"), "${run.id}")).collect();
    rig.run("large", &document(&large));
    let small = [fair("small_0", "${run.id}"), fair("small_1", "${run.id}")];
    rig.run("small", &with(document(&small), &json!({"id": "small"})));

    let order = order(&mut rig);

    assert_eq!(order, ["large_0", "small_0", "large_1", "small_1", "large_2", "large_3"]);
}

/// Two runs that share one permit: a large one, and a small one of another fairness key.
fn large_and_small(rig: &mut Rig, limit: &Value) {
    let fair =
        |id: String| with(with(task(&id, &[]), &json!({"fairness_key": "${run.id}"})), limit);
    let large: Vec<Value> = (0..4).map(|n| fair(format!("large_{n}"))).collect();
    rig.run("large", &document(&large));
    let small: Vec<Value> = (0..2).map(|n| fair(format!("small_{n}"))).collect();
    rig.run("small", &with(document(&small), &json!({"id": "small"})));
}

#[test]
fn fairness_keys_take_turns_behind_a_permit_too() {
    for limit in [json!({"concurrency": 1}), json!({"concurrency_key": "k"})] {
        let mut rig = Rig::new();
        large_and_small(&mut rig, &limit);

        let mut order = Vec::new();
        while let Some(name) = rig.names().first().cloned() {
            rig.complete(&name);
            order.push(name);
        }

        assert_eq!(order, ["large_0", "large_1", "small_0", "large_2", "small_1", "large_3"]);
    }
}

#[test]
fn fairness_keys_take_turns_at_a_rate_too() {
    for limit in [
        json!({"rate_limit": "1/s"}),
        json!({"rate_limit": "1/s", "concurrency_key": "k", "concurrency": 9}),
    ] {
        let mut rig = Rig::new();
        large_and_small(&mut rig, &limit);

        for _ in 0..5 {
            rig.advance(1_000);
        }

        let names = rig.names();
        let place = |name: &str| names.iter().position(|other| other == name);
        assert!(place("small_1") < place("large_3"), "{names:?}");
    }
}

#[test]
fn a_newcomer_does_not_go_before_one_that_waits_for_the_same_permit() {
    let keyed = |id: &str, fair: &str| {
        with(task(id, &[]), &json!({"concurrency_key": "k", "fairness_key": fair}))
    };
    let mut rig = Rig::with_slots(ShardSettings::default(), [2, 0, 0]);
    rig.run("r", &document(&[keyed("holder", "a"), keyed("first", "b"), keyed("second", "a")]));
    rig.run("s", &with(document(&[task("free", &[])]), &json!({"id": "free"})));
    assert_eq!(rig.names(), ["holder", "free"]);
    rig.run("t", &with(document(&[keyed("newcomer", "a")]), &json!({"id": "late"})));

    let mut order = Vec::new();
    while let Some(name) = rig.names().into_iter().find(|name| name != "free") {
        rig.complete(&name);
        order.push(name);
    }

    assert_eq!(order, ["holder", "first", "second", "newcomer"]);
}

#[test]
fn what_comes_back_is_handed_out_again_and_what_came_after_is_not_lost() {
    let mut rig = busy(Strategy::Strict);
    rig.run("r", &document(&[task("a", &[]), task("b", &[])]));
    rig.complete("busy");

    rig.give_back("a", pyflow_core::event::LeaseEnd::Returned);

    assert_eq!(rig.names(), ["b"]);
    rig.complete("b");
    rig.complete("a");
}

#[test]
fn a_draining_worker_gets_nothing_more() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &["a"])]));
    let session = rig.held("a").expect("it is at work").session;

    rig.shard.drain_session(session);
    rig.complete("a");
    assert_eq!(rig.names(), [""; 0]);
    rig.connect();

    assert_eq!(rig.names(), ["b"]);
}

#[test]
fn each_pool_has_its_own_slots() {
    let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 1]);
    let heavy = |id: &str| json!({"id": id, "task_type": "heavy"});

    rig.run("r", &document(&[task("a", &[]), task("b", &[]), heavy("x"), heavy("y")]));

    assert_eq!(rig.names(), ["a", "x"]);
}

#[test]
fn a_type_that_is_registered_later_is_handed_out_then() {
    use pyflow_core::schedule::Pool;
    let mut rig = Rig::new();
    rig.run("r", &document(&[json!({"id": "a", "task_type": "later"})]));
    assert_eq!(rig.names(), [""; 0]);

    let session = rig.shard.sessions().ids()[0];
    rig.shard.set_types(session, vec![("later".into(), Pool::Async)]);
    rig.pump();

    assert_eq!(rig.names(), ["a"]);
}
