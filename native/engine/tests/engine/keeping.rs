//! Retention: what is forgotten stays forgotten, its room is freed, its id is free again.

use pyflow_core::command::StartRun;
use pyflow_core::definition::Definition;
use pyflow_engine::{Engine, EngineSettings, ListRuns, Look, Query, Request, Value};
use pyflow_store::MemoryStore;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::rig::{
    answered, ask, batch, full, named, opened, queried, report, result_of, run_out, settings,
    start, token_of,
};

const DAY_MS: u64 = 24 * 3_600_000;
/// Large enough to be kept beside the log.
const LARGE: usize = 300 * 1024;

fn url(dir: &TempDir) -> String {
    format!("sqlite:///{}", dir.path().join("flow.db").display())
}

fn open(dir: &TempDir) -> Engine {
    Engine::open(&url(dir), &settings()).expect("the store opens")
}

fn listed(engine: &Engine) -> Vec<String> {
    let wanted = ListRuns { limit: 100, ..ListRuns::default() };
    let found = queried(engine, Query::ListRuns(Box::new(wanted))).expect("a list");
    let runs = found["runs"].as_array().expect("a list of runs");
    runs.iter().map(|run| run["run_id"].as_str().expect("an id").to_string()).collect()
}

fn doctor(engine: &Engine) -> Json {
    queried(engine, Query::Doctor).expect("all is well")
}

/// Forgets everything that has ended, in as many turns as it takes.
fn prune(engine: &Engine) -> u64 {
    try_to_prune(engine).expect("it can be forgotten")
}

/// How many were forgotten, or the code of the refusal.
fn try_to_prune(engine: &Engine) -> Result<u64, &'static str> {
    let before_ms = engine.now_ms() + 1;
    let look = Look::Prune { before_ms };
    let mut heard = ask(engine, Request::Look { ticket: 700, look, after: None });
    while engine.next_wake_ms() == Some(0) {
        engine.pump();
        heard.extend(engine.drain(usize::MAX));
    }
    match answered(&heard, 700) {
        Some(Ok(Value::Json(json))) => {
            let found: Json = serde_json::from_slice(&json).expect("it is JSON");
            Ok(found["count"].as_u64().expect("a count"))
        }
        Some(Err(code)) => Err(code),
        other => panic!("pruning was answered with {other:?}"),
    }
}

#[test]
fn a_store_that_cannot_be_pruned_says_so() {
    let mut refusals = 0;
    for call in 1..200 {
        let log = MemoryStore::default().open_with_faults([(call, full())]);
        let Ok(engine) = Engine::open_on(Box::new(log), &settings()) else { continue };
        let definition = opened(&engine);
        start(&engine, &definition, 2);
        report(&engine, 1, "1");
        report(&engine, 2, "2");
        if !matches!(answered(&result_of(&engine, 3), 3), Some(Ok(_))) {
            continue; // It was full before.
        }
        match try_to_prune(&engine) {
            Ok(count) => assert_eq!(count, 1, "call {call}"),
            Err(code) => {
                assert_eq!(code, "PF2004", "call {call}");
                refusals += 1;
            }
        }
    }
    assert!(refusals > 1, "{refusals}");
}

/// Three runs that have ended, each with an output of its own that is kept beside the log.
fn three_ended(engine: &Engine, definition: &Definition) {
    for name in ["a", "b", "c"] {
        run_out(engine, named(definition, name), &format!("\"{}\"", name.repeat(LARGE)));
    }
}

#[test]
fn what_is_forgotten_does_not_come_back_with_a_read_model_that_is_made_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(&dir);
    let definition = opened(&engine);
    three_ended(&engine, &definition);
    assert_eq!(prune(&engine), 3);
    run_out(&engine, named(&definition, "later"), "1");
    let position = doctor(&engine)["position"].clone();
    engine.close().expect("closed");
    std::fs::remove_file(dir.path().join("flow.db-read.db")).expect("it is there");

    let engine = open(&dir);

    assert_eq!(listed(&engine), ["later"]);
    assert_eq!(doctor(&engine)["read_model_position"], position);
    assert_eq!(doctor(&engine)["runs_that_differ"], Json::Array(Vec::new()));
}

#[test]
fn the_room_of_what_is_forgotten_is_freed_and_its_id_is_free() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(&dir);
    let definition = opened(&engine);
    three_ended(&engine, &definition);
    let before = doctor(&engine);

    assert_eq!(prune(&engine), 3);

    let after = doctor(&engine);
    assert_eq!(before["blobs"].as_u64(), Some(1 + 2 * 3), "the definition, outputs and results");
    assert_eq!(after["blobs"].as_u64(), Some(1), "the definition");
    assert_eq!(after["history_chunks"].as_u64(), Some(0));
    assert_eq!(after["snapshots"].as_u64(), Some(0));
    let status = Query::Status { run_id: "a".into() };
    assert_eq!(queried(&engine, status), Err("PF1101"));
    let start = Box::new(named(&definition, "a"));
    let heard = ask(&engine, Request::Start { ticket: 5, start });
    assert!(matches!(answered(&heard, 5), Some(Ok(Value::Run { is_new: true, .. }))));
}

#[test]
fn a_blob_that_another_run_names_stays() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(&dir);
    let definition = opened(&engine);
    let shared = format!("\"{}\"", "x".repeat(LARGE));
    run_out(&engine, named(&definition, "old"), &shared);
    engine.advance(40 * DAY_MS);
    run_out(&engine, named(&definition, "young"), &shared);
    let look = Look::Prune { before_ms: engine.now_ms() - DAY_MS };
    ask(&engine, Request::Look { ticket: 700, look, after: None });
    while engine.next_wake_ms() == Some(0) {
        engine.pump();
    }

    let result = Query::TaskResult { run_id: "young".into(), task_id: "first".into() };

    assert_eq!(listed(&engine), ["young"]);
    assert_eq!(queried(&engine, result).map(|text| text.as_str().map(str::len)), Ok(Some(LARGE)));
}

#[test]
fn a_crash_after_the_mark_takes_nothing_back_and_the_rest_is_freed() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(&dir);
    let definition = opened(&engine);
    three_ended(&engine, &definition);
    let look = Look::Prune { before_ms: engine.now_ms() + 1 };
    let heard = ask(&engine, Request::Look { ticket: 700, look, after: None });
    assert_eq!(answered(&heard, 700), None, "what is forgotten is not freed yet");

    let engine = engine.crash().expect("an inline ring can be crashed");

    assert_eq!(listed(&engine), Vec::<String>::new());
    while engine.next_wake_ms() == Some(0) {
        engine.pump();
    }
    assert_eq!(doctor(&engine)["history_chunks"].as_u64(), Some(0));
    assert_eq!(doctor(&engine)["blobs"].as_u64(), Some(1), "the definition");
}

#[test]
fn a_run_stays_for_as_long_as_its_idempotency_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(&dir);
    let definition = opened(&engine);
    let keyed = StartRun {
        key: Some("k".into()),
        chosen: false,
        ..named(&definition, "00000000000000000000000000000001")
    };
    run_out(&engine, keyed, "1");
    run_out(&engine, named(&definition, "free"), "1");

    let early = prune(&engine);
    engine.advance(DAY_MS + 1);
    let late = prune(&engine);

    assert_eq!((early, late), (1, 1));
}

#[test]
fn closed_runs_are_forgotten_by_themselves_when_their_time_is_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let kept = EngineSettings { retention_ms: Some(30 * DAY_MS), ..settings() };
    let engine = Engine::open(&url(&dir), &kept).expect("the store opens");
    let definition = opened(&engine);
    three_ended(&engine, &definition);
    let mut seen = Vec::new();

    for days in [29, 2] {
        engine.advance(days * DAY_MS);
        engine.pump();
        while engine.next_wake_ms() == Some(0) {
            engine.pump();
        }
        seen.push(listed(&engine).len());
    }

    assert_eq!(seen, [3, 0]);
    assert_eq!(doctor(&engine)["blobs"].as_u64(), Some(1), "the definition");
}

#[test]
fn one_who_asks_does_not_put_off_what_is_forgotten_by_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let kept = EngineSettings { retention_ms: Some(DAY_MS), ..settings() };
    let engine = Engine::open(&url(&dir), &kept).expect("the store opens");
    let definition = opened(&engine);
    three_ended(&engine, &definition);
    engine.advance(2 * DAY_MS);

    let of_nothing = Request::Look { ticket: 1, look: Look::Prune { before_ms: 0 }, after: None };
    ask(&engine, of_nothing);
    while engine.next_wake_ms() == Some(0) {
        engine.pump();
    }

    assert_eq!(listed(&engine), [""; 0]);
}

#[test]
fn a_position_says_whether_a_crash_took_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(&dir);
    let definition = opened(&engine);
    let copy = dir.path().join("copy");
    std::fs::create_dir(&copy).expect("made");
    let files = || ["flow.db", "flow.db-wal"].map(|name| (dir.path().join(name), copy.join(name)));
    for (from, to) in files() {
        std::fs::copy(from, to).expect("copied");
    }
    let eventual = StartRun {
        consistency: Some(pyflow_core::consistency::Consistency::Eventual),
        ..named(&definition, "lost")
    };
    let heard = ask(&engine, Request::Start { ticket: 5, start: Box::new(eventual) });
    let lost = token_of(&heard, 5);
    let seen = |engine: &Engine, after| {
        let look = Look::Query(Query::Status { run_id: "lost".into() });
        let heard = ask(engine, Request::Look { ticket: 6, look, after: Some(after) });
        answered(&heard, 6).map(|answer| answer.map(drop))
    };
    assert_eq!(seen(&engine, lost), Some(Ok(())), "it is there until the power fails");

    // What was not synced when the power failed is not in the files.
    drop(engine);
    for (from, to) in files() {
        std::fs::copy(to, from).expect("copied back");
    }
    let engine = open(&dir);

    assert_eq!(seen(&engine, lost), Some(Err("PF1210")));
    let heard =
        ask(&engine, Request::Start { ticket: 7, start: Box::new(named(&definition, "new")) });
    let kept = token_of(&heard, 7);
    assert_eq!(
        seen(&engine, kept),
        Some(Err("PF1101")),
        "the token is right, the run is not there"
    );
    let engine = engine.crash().expect("an inline ring can be crashed");
    assert_eq!(seen(&engine, kept), Some(Err("PF1101")), "a crash took nothing of it");
    assert_eq!(seen(&engine, lost), Some(Err("PF1210")), "what is lost stays lost");
    let foreign = pyflow_engine::Token { position: kept.position + 9, epoch: kept.epoch + 9 };
    assert_eq!(seen(&engine, foreign), Some(Err("PF1107")));
}

#[test]
fn a_watcher_that_is_bounded_is_cut_off_and_one_that_is_not_reads_on() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let definition = opened(&engine);
    let first = doctor(&engine)["position"].as_u64().expect("a position");
    let mut count = 0;
    while count <= 110_000 {
        let run_ids: Vec<String> = (0..1_000).map(|n| format!("{count}-{n}")).collect();
        let starts = batch(&definition, &run_ids);
        ask(&engine, Request::StartMany { ticket: 9, starts });
        count += 2_000;
    }
    let watch = |after, is_bounded| {
        let look = Look::Watch { run_id: None, after, limit: 10, is_bounded };
        let heard = ask(&engine, Request::Look { ticket: 8, look, after: None });
        let answer = answered(&heard, 8).expect("there are events");
        answer.map(|events| matches!(events, Value::Events(events) if !events.is_empty()))
    };

    assert_eq!(watch(first, true), Err("PF1209"));
    assert_eq!(watch(first, false), Ok(true));
    let last = doctor(&engine)["position"].as_u64().expect("a position");
    assert_eq!(watch(last - 1, true), Ok(true));
}

#[test]
fn a_reader_is_refused_to_prune() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(&dir);
    opened(&engine);
    let reading = EngineSettings { read_only: true, ..settings() };
    let reader = Engine::open(&url(&dir), &reading).expect("a reader opens");

    let look = Look::Prune { before_ms: 1 };
    let heard = ask(&reader, Request::Look { ticket: 3, look, after: None });

    assert_eq!(answered(&heard, 3), Some(Err("PF2005")));
}

/// A log of twenty runs that nothing was moved out of, left by a crash.
fn long_log(dir: &TempDir) -> Json {
    let never = EngineSettings { checkpoint_size: u64::MAX, ..settings() };
    let engine = Engine::open(&url(dir), &never).expect("the store opens");
    let definition = opened(&engine);
    for number in 0..20 {
        run_out(&engine, named(&definition, &format!("run-{number}")), "1");
    }
    history(&engine)
}

fn history(engine: &Engine) -> Json {
    let query = Query::History { run_id: "run-7".into(), after: 0, limit: 100 };
    queried(engine, query).expect("a history")
}

fn in_slices(dir: &TempDir) -> Engine {
    let slices = EngineSettings { checkpoint_size: 1_000, trim_size: 300, ..settings() };
    Engine::open(&url(dir), &slices).expect("the store opens")
}

/// How many turns are in the log before each of the pumps that have something to move.
fn turns_in_log(engine: &Engine, count_max: usize) -> Vec<u64> {
    let mut counts = Vec::new();
    while counts.len() < count_max && engine.next_wake_ms() == Some(0) {
        counts.push(doctor(engine)["turns"].as_u64().expect("a count"));
    }
    counts
}

#[test]
fn what_a_checkpoint_covers_moves_in_slices_between_which_starts_are_answered() {
    let dir = tempfile::tempdir().expect("a directory");
    let before = long_log(&dir);
    let engine = in_slices(&dir);
    let definition = opened(&engine);

    let start = Box::new(named(&definition, "more"));
    let heard = ask(&engine, Request::Start { ticket: 5, start });
    let counts = turns_in_log(&engine, usize::MAX);

    assert!(matches!(answered(&heard, 5), Some(Ok(Value::Run { is_new: true, .. }))));
    assert!(counts.len() > 5, "{counts:?}");
    assert!(counts.is_sorted_by(|more, fewer| more > fewer), "{counts:?}");
    assert_eq!(history(&engine), before);
}

#[test]
fn a_crash_between_two_slices_leaves_the_rest_to_the_next_owner() {
    let dir = tempfile::tempdir().expect("a directory");
    let before = long_log(&dir);
    let engine = in_slices(&dir);
    engine.pump();
    let done = turns_in_log(&engine, 4);

    drop(engine);
    let engine = in_slices(&dir);
    let between = history(&engine);
    let counts = turns_in_log(&engine, usize::MAX);

    assert!(counts.first() < done.last(), "{done:?}, then {counts:?}");
    assert!(counts.len() > 5, "{done:?}, then {counts:?}");
    assert_eq!((between, history(&engine)), (before.clone(), before));
    assert_eq!(doctor(&engine)["runs_that_differ"], Json::Array(Vec::new()));
}
