//! A log that has lost what its read model knows to have been durable.

use std::fs;
use std::path::{Path, PathBuf};

use pyflow_engine::{Engine, EngineSettings, ListRuns, Query, Refusal, Request};
use pyflow_store::Options;
use pyflow_store::read_model::ReadModel;
use tempfile::TempDir;

use crate::rig::{ask, named, opened, queried, settings, start};

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

fn try_open(path: &Path, settings: &EngineSettings) -> Result<Engine, Refusal> {
    Engine::open(&format!("sqlite:///{}", path.display()), settings)
}

/// How many runs a list shows; it brings the read model up to date.
fn run_count(engine: &Engine) -> usize {
    let wanted = ListRuns { limit: 10, ..ListRuns::default() };
    let shown = queried(engine, Query::ListRuns(Box::new(wanted))).expect("listed");
    shown["runs"].as_array().expect("a list").len()
}

/// A store with a run, left as a killed owner leaves it, its read model up to date.
fn abandoned() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("flow.db");
    let engine = try_open(&path, &settings()).expect("the store opens");
    let definition = opened(&engine);
    start(&engine, &definition, 2);
    assert_eq!(run_count(&engine), 1);
    drop(engine);
    (dir, path)
}

#[test]
fn a_log_that_ends_before_what_was_durable_is_damaged() {
    let (_dir, path) = abandoned();
    fs::remove_file(beside(&path, "-wal")).expect("removed");

    for read_only in [false, true] {
        let settings = EngineSettings { read_only, ..settings() };
        let refusal = try_open(&path, &settings).expect_err("a run is missing");

        assert_eq!(refusal.code, "PF2003", "{refusal:?}");
        assert!(refusal.fields["message"].to_string().contains("-wal"), "{refusal:?}");
    }
}

#[test]
fn without_the_read_model_it_goes_on_with_what_is_left() {
    let (_dir, path) = abandoned();
    for ending in ["-wal", "-read.db"] {
        fs::remove_file(beside(&path, ending)).expect("removed");
    }

    let engine = try_open(&path, &settings()).expect("it opens");

    assert_eq!(run_count(&engine), 0);
}

#[test]
fn what_was_not_synced_may_be_missing() {
    let (_dir, path) = abandoned();
    let url = format!("sqlite:///{}", path.display());
    let mut model = ReadModel::open(&url, &Options::default()).expect("it opens");
    let position = model.position().expect("readable");
    model.apply(&[], position + 5, position).expect("applied");
    model.close().expect("closed");

    let engine = try_open(&path, &settings()).expect("no synced turn is missing");

    assert_eq!(run_count(&engine), 1);
}

/// A store of which nobody has started a run.
fn unused(dir: &TempDir) -> PathBuf {
    let path = dir.path().join("other.db");
    let engine = try_open(&path, &settings()).expect("the store opens");
    opened(&engine);
    drop(engine);
    path
}

#[test]
fn a_read_model_of_another_store_tells_nobody_anything() {
    let (dir, path) = abandoned();
    let other = unused(&dir);
    fs::copy(beside(&path, "-read.db"), beside(&other, "-read.db")).expect("copied");

    for read_only in [true, false] {
        let settings = EngineSettings { read_only, ..settings() };
        let engine = try_open(&other, &settings).expect("it opens");

        assert_eq!(run_count(&engine), 0, "read_only: {read_only}");
    }
}

#[test]
fn what_was_durable_is_known_within_a_second_however_busy_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("flow.db");
    let engine = try_open(&path, &settings()).expect("the store opens");
    let definition = opened(&engine);
    for ticket in 2..=4 {
        engine.advance(1_000);
        let run = Box::new(named(&definition, &format!("run-{ticket}")));
        ask(&engine, Request::Start { ticket, start: run });
    }
    drop(engine);
    fs::remove_file(beside(&path, "-wal")).expect("removed");

    let refusal = try_open(&path, &settings()).expect_err("a run is missing");

    assert_eq!(refusal.code, "PF2003", "{refusal:?}");
}
