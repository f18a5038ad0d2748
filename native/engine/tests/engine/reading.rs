//! Readers beside an owner, and on their own.

use pyflow_core::command::{ControlRun, RunVerb};
use pyflow_engine::{Engine, EngineSettings, ListRuns, Look, Query, Request};
use tempfile::TempDir;

use crate::rig::{answered, ask, named, opened, queried, run_out, settings, token_of};

fn url(dir: &TempDir) -> String {
    format!("sqlite:///{}", dir.path().join("flow.db").display())
}

fn reader(url: &str) -> Engine {
    let reading = EngineSettings { read_only: true, ..settings() };
    Engine::open(url, &reading).expect("a reader opens")
}

/// Everything that can be asked of a run, by a part of its id and by its id.
fn all_answers(engine: &Engine, run_id: &str) -> Vec<Result<(), &'static str>> {
    let id = || std::sync::Arc::<str>::from(run_id);
    let queries = [
        Query::Status { run_id: id() },
        Query::Tasks { run_id: id(), task_id: None, state: None, limit: 10 },
        Query::Explain { run_id: id(), task_id: None },
        Query::History { run_id: id(), after: 0, limit: 10 },
    ];
    queries.into_iter().map(|query| queried(engine, query).map(drop)).collect()
}

/// The runs that are listed as running, page by page.
fn running(engine: &Engine, limit: usize) -> Vec<String> {
    let (mut run_ids, mut cursor) = (Vec::new(), None);
    loop {
        let status = Some("running".to_string());
        let wanted = ListRuns { status, limit, cursor, ..ListRuns::default() };
        let page = queried(engine, Query::ListRuns(Box::new(wanted))).expect("a page");
        let rows = page["runs"].as_array().expect("runs");
        run_ids.extend(rows.iter().map(|row| row["run_id"].as_str().expect("an id").to_string()));
        cursor = page["cursor"].as_str().map(String::from);
        if cursor.is_none() {
            return run_ids;
        }
    }
}

#[test]
fn pages_are_whole_also_where_the_log_is_ahead_of_the_read_model() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(&url(&dir), &settings()).expect("the store opens");
    let definition = opened(&engine);
    for run_id in ["a", "b", "c", "d", "e"] {
        ask(&engine, Request::Start { ticket: 5, start: Box::new(named(&definition, run_id)) });
    }
    assert_eq!(running(&engine, 9), ["e", "d", "c", "b", "a"]); // It is in the read model now.
    let control = |run_id: &str, verb| {
        let control = ControlRun { namespace: "default".into(), run_id: run_id.into(), verb };
        ask(&engine, Request::ControlRun { ticket: 6, control });
    };

    control("d", RunVerb::Cancel { reason: "enough".into() });
    control("a", RunVerb::Pause);
    control("a", RunVerb::Resume);

    for limit in 1..6 {
        assert_eq!(running(&reader(&url(&dir)), limit), ["e", "c", "b", "a"], "{limit} a page");
    }
}

#[test]
fn a_backup_without_a_read_model_answers_everything() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(&url(&dir), &settings()).expect("the store opens");
    let definition = opened(&engine);
    run_out(&engine, named(&definition, "ended"), "1");
    ask(&engine, Request::Start { ticket: 5, start: Box::new(named(&definition, "live")) });
    let copy = dir.path().join("copy.db");
    queried(&engine, Query::Backup { path: copy.display().to_string() }).expect("copied");

    let reader = reader(&format!("sqlite:///{}", copy.display()));

    for (text, run_id) in [("end", "ended"), ("@last", "live"), ("live", "live")] {
        let found = queried(&reader, Query::FindRun { text: text.into() }).expect("found");
        assert_eq!(found["run_ids"], serde_json::json!([run_id]), "{text}");
        assert_eq!(all_answers(&reader, run_id), [Ok(()); 4], "{run_id}");
    }
    let report = queried(&reader, Query::Doctor).expect("all is well");
    assert_eq!(report["read_model_position"], report["position"]);
}

#[test]
fn a_reader_finds_what_the_read_model_of_the_owner_does_not_show_yet() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(&url(&dir), &settings()).expect("the store opens");
    let definition = opened(&engine);
    let reader = reader(&url(&dir));

    let heard =
        ask(&engine, Request::Start { ticket: 5, start: Box::new(named(&definition, "new")) });

    let find = |text: &str| queried(&reader, Query::FindRun { text: text.into() }).expect("asked");
    assert_eq!(find("ne")["run_ids"], serde_json::json!(["new"]));
    assert_eq!(find("@last")["run_ids"], serde_json::json!(["new"]));
    assert_eq!(find("x")["run_ids"], serde_json::json!([]));
    let look = Look::Query(Query::Status { run_id: "new".into() });
    let after = Some(token_of(&heard, 5));
    let seen = ask(&reader, Request::Look { ticket: 6, look, after });
    assert!(matches!(answered(&seen, 6), Some(Ok(_))));
}

#[test]
fn a_reader_waits_for_a_position_that_is_not_written_yet() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(&url(&dir), &settings()).expect("the store opens");
    let definition = opened(&engine);
    let heard =
        ask(&engine, Request::Start { ticket: 5, start: Box::new(named(&definition, "a")) });
    let mut after = token_of(&heard, 5);
    after.position += 1;
    let reader = reader(&url(&dir));

    let look = Look::Query(Query::Status { run_id: "b".into() });
    let early = ask(&reader, Request::Look { ticket: 6, look, after: Some(after) });
    ask(&engine, Request::Start { ticket: 7, start: Box::new(named(&definition, "b")) });
    reader.pump();
    let late = reader.drain(usize::MAX);

    assert_eq!(answered(&early, 6), None);
    assert!(matches!(answered(&late, 6), Some(Ok(_))));
}
