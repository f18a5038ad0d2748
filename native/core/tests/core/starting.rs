//! Deploy and start: names, versions, run ids, idempotency keys.

use std::sync::Arc;

use pyflow_core::command::{Command, DeployDefinition, EndedRun, ForgetRuns, StartRun, Wanted};
use pyflow_core::consistency::Consistency;
use pyflow_core::effect::Answer;
use pyflow_core::event::Event;
use pyflow_core::ids::RunNumber;
use pyflow_core::payload::Payload;
use pyflow_core::rejection::Rejection;
use pyflow_core::shard::ShardSettings;
use pyflow_core::state::Run;
use serde_json::{Value, json};

use crate::support::{NAMESPACE, Rig, document, task, with};

const DAY_MS: u64 = 24 * 3_600_000;

fn keyed(run_id: &str, key: &str) -> StartRun {
    StartRun { key: Some(key.into()), ..Rig::start(run_id, "flow") }
}

fn new(run_id: &str) -> Answer {
    Answer::Run { run_id: run_id.into(), is_new: true }
}

fn known(run_id: &str) -> Answer {
    Answer::Run { run_id: run_id.into(), is_new: false }
}

fn deployed() -> Rig {
    let mut rig = Rig::new();
    rig.deploy(&document(&[task("a", &[])])).expect("it can be deployed");
    rig
}

#[test]
fn the_same_key_gives_the_same_run() {
    let mut rig = deployed();

    assert_eq!(rig.begin(keyed("r", "k")), Ok(new("r")));
    assert_eq!(rig.begin(keyed("s", "k")), Ok(known("r")));
    assert_eq!(rig.begin(keyed("s", "other")), Ok(new("s")));
    rig.restart(true);

    assert_eq!(rig.begin(keyed("t", "k")), Ok(known("r")));
}

#[test]
fn the_same_key_with_other_content_is_refused() {
    let mut rig = deployed();
    rig.begin(keyed("r", "k")).expect("it can be started");
    let mut other = keyed("s", "k");
    other.input = Payload::new("{\"x\":1}".into());

    let answer = rig.begin(other);

    assert_eq!(answer, Err(Rejection::KeyReused { key: "k".into(), run_id: "r".into() }));
}

fn together(run_ids: &[&str]) -> Vec<StartRun> {
    run_ids.iter().map(|run_id| Rig::start(run_id, "flow")).collect()
}

#[test]
fn many_runs_are_started_in_one_turn_however_short_turns_are() {
    let settings = ShardSettings { turn_event_count_max: 1, ..ShardSettings::default() };
    let mut rig = Rig::with(settings);
    rig.deploy(&document(&[task("a", &[])])).expect("it can be deployed");

    let answer = rig.ask(&Command::StartRuns(together(&["r", "s", "t"])));

    assert_eq!(answer, Ok(Answer::Runs(vec!["r".into(), "s".into(), "t".into()])));
    let created = |event: &Event| matches!(event, Event::RunCreated(_));
    let counts = rig.kept.turns().map(|(_, events)| events.into_iter().filter(created).count());
    assert_eq!(counts.filter(|count| *count > 0).collect::<Vec<_>>(), [3]);
    assert_eq!(rig.names(), ["a"; 3], "all of them work");
}

#[test]
fn what_is_wrong_with_one_of_many_starts_refuses_them_all() {
    let unknown = StartRun {
        wanted: Wanted::Name { name: "flaw".into(), version: None },
        ..Rig::start("s", "flow")
    };
    let large = StartRun { metadata: Some(vec![b' '; 17_000].into()), ..Rig::start("s", "flow") };
    let wrong = [
        (unknown, "PF1002"),
        (large, "PF1108"),
        (Rig::start("r", "flow"), "PF1107"),
        (keyed("s", "k"), "PF1107"),
        (StartRun { chosen: true, ..Rig::start("s", "flow") }, "PF1107"),
        (Rig::start("there", "flow"), "PF1102"),
    ];
    for (one, code) in wrong {
        let mut rig = deployed();
        rig.begin(Rig::start("there", "flow")).expect("it can be started");
        let said = format!("{one:?}");
        let before = rig.events.len();
        let mut starts = together(&["r", "t"]);
        starts.insert(1, one);

        let answer = rig.ask(&Command::StartRuns(starts));

        assert_eq!(answer.map_err(|rejection| rejection.code()), Err(code), "{said}");
        assert_eq!(rig.events.len(), before, "{said}");
    }
}

#[test]
fn more_starts_than_one_turn_may_hold_are_refused() {
    let mut rig = deployed();
    let start = Rig::start("r", "flow");
    let number = |number: usize| StartRun { run_id: number.to_string().into(), ..start.clone() };

    let answer = rig.ask(&Command::StartRuns((0..=10_000).map(number).collect()));

    let refusal = answer.expect_err("it is one too many");
    assert_eq!(refusal.code(), "PF1109");
    assert_eq!(refusal.to_string(), "runs started at once: 10001; at most 10000 are allowed");
}

/// Completes the only task of the run `r`, whose key `k` is then kept for a day and no longer.
fn the_key_is_free_a_day_after_its_end(rig: &mut Rig) {
    rig.complete("a");
    rig.advance(DAY_MS - 1);
    assert_eq!(rig.begin(keyed("s", "k")), Ok(known("r")));
    rig.advance(1);

    assert_eq!(rig.begin(keyed("s", "k")), Ok(new("s")));
}

#[test]
fn a_key_is_free_again_a_day_after_its_run_has_ended() {
    let mut rig = deployed();
    rig.begin(keyed("r", "k")).expect("it can be started");
    rig.advance(10 * DAY_MS);
    assert_eq!(rig.begin(keyed("s", "k")), Ok(known("r")), "a run that lives keeps its key");

    the_key_is_free_a_day_after_its_end(&mut rig);
}

#[test]
fn a_taken_id_is_not_told_as_a_repeat_by_a_key_that_is_free_again() {
    let mut rig = deployed();
    rig.begin(StartRun { chosen: true, ..keyed("r", "k") }).expect("it can be started");
    rig.fail("a");
    // Nothing has happened since, so that the key is not dropped yet.
    rig.advance(2 * DAY_MS);

    let again = rig.begin(StartRun { chosen: true, ..keyed("r", "k") });

    assert!(matches!(again, Err(Rejection::RunExists { .. })), "{again:?}");
}

#[test]
fn a_recovered_run_keeps_its_key_until_a_day_after_its_new_end() {
    let mut rig = deployed();
    rig.begin(keyed("r", "k")).expect("it can be started");
    rig.fail("a");
    rig.advance(DAY_MS / 2);
    rig.recover("r", "a");

    rig.advance(DAY_MS);
    rig.begin(Rig::start("other", "flow")).expect("it can be started");
    assert_eq!(rig.begin(keyed("s", "k")), Ok(known("r")), "it lives again");

    the_key_is_free_a_day_after_its_end(&mut rig);
}

#[test]
fn a_recovered_run_does_not_take_its_key_back_from_another() {
    let mut rig = deployed();
    rig.begin(keyed("r", "k")).expect("it can be started");
    rig.fail("a");
    rig.advance(2 * DAY_MS);
    rig.begin(keyed("s", "k")).expect("the key is free again");
    rig.recover("r", "a");
    while let Some(given) = rig.given.iter().find(|given| given.run_id == "r").cloned() {
        rig.report(&given, pyflow_core::command::Outcome::Completed { output: Payload::default() });
    }

    rig.advance(2 * DAY_MS);

    assert_eq!(rig.begin(keyed("t", "k")), Ok(known("s")), "the run that has the key lives");
}

#[test]
fn a_run_id_names_one_run() {
    let mut rig = deployed();
    let mut chosen = Rig::start("mine", "flow");
    chosen.chosen = true;
    rig.begin(chosen).expect("it can be started");
    rig.complete("a");
    rig.begin(Rig::start("other", "flow")).expect("it can be started");

    let again = rig.begin(Rig::start("mine", "flow"));

    assert_eq!(again, Err(Rejection::RunExists { run_id: "mine".into() }), "also once it has left");
}

fn versioned(version: &str, tasks: &[Value]) -> Value {
    with(document(tasks), &json!({"version": version}))
}

#[test]
fn a_start_by_name_takes_the_newest_and_a_start_by_version_takes_that() {
    let mut rig = Rig::new();
    rig.deploy(&versioned("1", &[task("one", &[])])).expect("it can be deployed");
    rig.deploy(&versioned("2", &[task("two", &[])])).expect("it can be deployed");
    let of = |version: &str| Wanted::Name { name: "flow".into(), version: Some(version.into()) };

    rig.begin(Rig::start("r", "flow")).expect("it can be started");
    assert_eq!(rig.names(), ["two"]);
    let first = StartRun { wanted: of("1"), ..Rig::start("s", "flow") };
    rig.begin(first).expect("it can be started");

    assert_eq!(rig.names(), ["two", "one"]);
    let unknown = rig.begin(StartRun { wanted: of("3"), ..Rig::start("t", "flow") });
    assert!(format!("{unknown:?}").contains("its versions are 1, 2"), "{unknown:?}");
    let misspelt = rig.begin(Rig::start("t", "flw"));
    assert!(format!("{misspelt:?}").contains("did you mean flow?"), "{misspelt:?}");
}

#[test]
fn a_version_is_never_given_other_content() {
    let mut rig = Rig::new();
    rig.deploy(&versioned("1", &[task("a", &[])])).expect("it can be deployed");
    assert_eq!(rig.deploy(&versioned("1", &[task("a", &[])])), Ok(Answer::Done), "the same again");

    let other = rig.deploy(&versioned("1", &[with(task("a", &[]), &json!({"max_retries": 1}))]));

    let refused = matches!(&other, Err(Rejection::DefinitionConflict { difference, .. })
        if difference.contains("max_retries"));
    assert!(refused, "{other:?}");
    rig.begin(Rig::start("r", "flow")).expect("the first is what is deployed");
}

#[test]
fn a_definition_that_was_refused_cannot_be_started_by_its_hash() {
    let mut rig = Rig::new();
    rig.deploy(&versioned("1", &[task("a", &[])])).expect("it can be deployed");
    let (refused, _) = Rig::compile(&versioned("1", &[task("b", &[])]));
    rig.shard.state_mut().learn(refused.clone());
    let deploy = DeployDefinition { namespace: NAMESPACE.into(), definition: refused.clone() };
    assert!(rig.ask(&Command::DeployDefinition(deploy)).is_err());

    let start = StartRun { wanted: Wanted::Hash(refused.hash), ..Rig::start("r", "flow") };

    assert!(matches!(rig.begin(start), Err(Rejection::DefinitionUnknown { .. })));
}

#[test]
fn a_definition_is_known_in_its_own_namespace_only() {
    let mut rig = deployed();
    let hash = rig.shard.state().deployed(NAMESPACE, "flow")[0].definition;
    let elsewhere =
        |wanted| StartRun { namespace: "elsewhere".into(), wanted, ..Rig::start("r", "flow") };

    for wanted in [Wanted::Hash(hash), Wanted::Name { name: "flow".into(), version: None }] {
        let answer = rig.begin(elsewhere(wanted));
        assert!(matches!(answer, Err(Rejection::DefinitionUnknown { .. })), "{answer:?}");
    }
}

#[test]
fn live_runs_keep_the_graph_that_they_began_with() {
    let mut rig = deployed();
    rig.begin(Rig::start("r", "flow")).expect("it can be started");
    rig.deploy(&document(&[task("a", &[]), task("b", &["a"])])).expect("it can be deployed");

    rig.restart(true);
    rig.complete("a");

    assert_eq!(rig.result("r"), json!({"a": "a"}));
}

#[test]
fn what_is_too_long_or_empty_is_refused_and_leaves_no_trace() {
    let mut rig = deployed();
    let position = rig.shard.state().position();
    let long: Arc<str> = "x".repeat(257).into();
    let starts = [
        Rig::start("", "flow"),
        Rig::start("a\nb", "flow"),
        Rig::start(&long, "flow"),
        StartRun { key: Some(long.clone()), ..Rig::start("r", "flow") },
        StartRun { created_by: Some(long.clone()), ..Rig::start("r", "flow") },
        StartRun { metadata: Some(vec![b' '; 17_000].into()), ..Rig::start("r", "flow") },
    ];

    for start in starts {
        let answer = rig.begin(start);
        let is_refused = matches!(
            answer,
            Err(Rejection::InputInvalid { .. } | Rejection::PayloadTooLarge { .. })
        );
        assert!(is_refused, "{answer:?}");
    }

    assert_eq!(rig.shard.state().position(), position);
}

#[test]
fn a_call_may_ask_for_more_consistency_than_its_definition_and_not_for_less() {
    let mut rig = Rig::new();
    let flow = with(document(&[task("a", &[])]), &json!({"consistency": "session"}));
    rig.deploy(&flow).expect("it can be deployed");
    let cases = [
        ("r", None, Consistency::Session),
        ("s", Some(Consistency::Eventual), Consistency::Session),
        ("t", Some(Consistency::Strong), Consistency::Strong),
    ];

    for (run_id, asked, wanted) in cases {
        let start = StartRun { consistency: asked, ..Rig::start(run_id, "flow") };
        rig.begin(start).expect("it can be started");
        assert_eq!(rig.look(run_id, Run::consistency), wanted);
    }
}

/// Asks to forget runs, each by its id and key.
fn forget(rig: &mut Rig, runs: &[(&str, Option<&str>)], numbers: &[RunNumber]) {
    let ended = |((run_id, key), run): (&(&str, Option<&str>), &RunNumber)| EndedRun {
        run: *run,
        namespace: NAMESPACE.into(),
        run_id: (*run_id).into(),
        key: key.map(Into::into),
    };
    let runs = runs.iter().zip(numbers).map(ended).collect();
    rig.ask(&Command::ForgetRuns(ForgetRuns { runs })).expect("it is never refused");
    rig.pump();
}

#[test]
fn a_forgotten_run_gives_its_id_back_and_one_that_is_needed_is_not_forgotten() {
    let mut rig = deployed();
    for run_id in ["ended", "keyed", "live"] {
        let key = (run_id == "keyed").then(|| "k".into());
        let start = StartRun { key, chosen: true, ..Rig::start(run_id, "flow") };
        rig.begin(start).expect("it can be started");
    }
    let numbers = ["ended", "keyed", "live"].map(|run_id| rig.number(run_id));
    rig.complete("a");
    rig.complete("a");

    forget(&mut rig, &[("ended", None), ("keyed", Some("k")), ("live", None)], &numbers);

    let chosen = |run_id| StartRun { chosen: true, ..Rig::start(run_id, "flow") };
    assert_eq!(rig.begin(chosen("ended")), Ok(new("ended")));
    assert!(rig.begin(chosen("keyed")).is_err());
    assert!(rig.begin(chosen("live")).is_err());
}

/// What a run of this flow holds as its input when it is started with another.
fn held(flow: &Value, given: &'static str) -> String {
    let mut rig = Rig::new();
    rig.deploy(flow).expect("it can be deployed");
    let input = Payload::new(given.as_bytes().into());
    rig.begin(StartRun { input, ..Rig::start("r", "flow") }).expect("it can be started");
    let json = rig.look("r", |run| run.input().json());
    String::from_utf8(json.to_vec()).expect("JSON is UTF-8")
}

#[test]
fn what_a_start_leaves_out_has_the_default_of_its_definition() {
    let defaults = json!({"defaults": {"step": 1, "te\"xt": [null]}});
    let flow = with(document(&[task("a", &[])]), &defaults);

    assert_eq!(held(&flow, "{}"), r#"{"step":1,"te\"xt":[null]}"#);
    assert_eq!(
        held(&flow, r#"{"value": 1e400 } "#),
        r#"{"value": 1e400 ,"step":1,"te\"xt":[null]}"#
    );
    assert_eq!(held(&flow, r#"{"step":null,"te\"xt":2}"#), r#"{"step":null,"te\"xt":2}"#);
    assert_eq!(held(&flow, "[1]"), "[1]");
}

#[test]
fn a_start_with_a_default_and_one_that_gives_it_are_the_same() {
    let mut rig = Rig::new();
    let defaults = json!({"defaults": {"step": 1}});
    rig.deploy(&with(document(&[task("a", &[])]), &defaults)).expect("it can be deployed");

    assert_eq!(rig.begin(keyed("r", "k")), Ok(new("r")));

    let input = Payload::new(r#"{"step":1}"#.into());
    assert_eq!(rig.begin(StartRun { input, ..keyed("s", "k") }), Ok(known("r")));
}
