//! The read model: lists, lookups, and that it can always be made anew.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use pyflow_store::read_model::{EndedFilter, ListFilter, Lookup, ReadModel, RunRow, RunSelector};
use pyflow_store::{Options, StoreFault};

use crate::scenes::{beside, fast_dir, url};

const READER: Options = Options { read_only: true };

fn writer(path: &Path) -> ReadModel {
    ReadModel::open(&url(path), &Options::default()).expect("it opens")
}

fn row(run: u64) -> RunRow {
    let is_even = run.is_multiple_of(2);
    RunRow {
        run,
        run_id: format!("run-{run:03}"),
        namespace: "default".to_owned(),
        definition: if is_even { "even" } else { "odd" }.to_owned(),
        hash: "ab12".to_owned(),
        status: if run < 6 { "completed" } else { "running" }.to_owned(),
        created_at_ms: 1_000 + run as i64,
        ended_at_ms: (run < 6).then_some(2_000 + run as i64),
        created_by: is_even.then(|| "ada".to_owned()),
        priority: "normal".to_owned(),
        metadata: Some(format!(r#"{{"line": {}, "hot": {is_even}, "a.b": "x"}}"#, run % 3)),
        first_position: run,
        last_position: run + 1,
        key: Some(format!("key-{run}")),
        result: Some(Bytes::from_static(b"42")),
        ..RunRow::default()
    }
}

fn filled(path: &Path) -> ReadModel {
    let mut model = writer(path);
    model.apply(&(1..=10).map(row).collect::<Vec<_>>(), 11, 0).expect("applied");
    model
}

fn runs(model: &ReadModel, filter: ListFilter) -> Vec<u64> {
    let filter = ListFilter { namespace: "default".to_owned(), limit: 100, ..filter };
    let page = model.list(&filter).expect("listed");
    page.rows.iter().map(|row| row.run).collect()
}

#[test]
fn a_row_comes_back_and_is_replaced_as_a_whole() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut model = filled(&path);
    let later = RunRow { status: "failed".to_owned(), error: Some("{}".to_owned()), ..row(3) };

    model.apply(std::slice::from_ref(&later), 12, 0).expect("applied");
    model.close().expect("closed");

    let model = writer(&path);
    assert_eq!(model.position(), Ok(12));
    let found = model.get("default", RunSelector::Id("run-003"));
    assert_eq!(found, Ok(Lookup::Found(Box::new(later))));
}

#[test]
fn a_run_is_found_by_id_prefix_key_or_as_the_latest() {
    let dir = fast_dir();
    let model = filled(&dir.path().join("flow.db"));
    let get = |selector| model.get("default", selector).expect("looked up");
    let found = |run| Lookup::Found(Box::new(row(run)));

    assert_eq!(get(RunSelector::Prefix("run-01")), found(10));
    assert_eq!(get(RunSelector::Key("key-4")), found(4));
    assert_eq!(get(RunSelector::Latest), found(10));
    assert_eq!(get(RunSelector::Id("run-01")), Lookup::Unknown);
    assert_eq!(get(RunSelector::Prefix("x")), Lookup::Unknown);
    let Lookup::Ambiguous(ids) = get(RunSelector::Prefix("run-00")) else { panic!("nine fit") };
    assert_eq!(ids.len(), 9);
    let elsewhere = model.get("other", RunSelector::Latest);
    assert_eq!(elsewhere, Ok(Lookup::Unknown));
}

#[test]
fn lists_are_filtered() {
    let dir = fast_dir();
    let model = filled(&dir.path().join("flow.db"));
    let text = |text: &str| Some(text.to_owned());
    let metadata = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    let none = ListFilter::default;

    assert_eq!(runs(&model, ListFilter { status: text("running"), ..none() }), [10, 9, 8, 7, 6]);
    assert_eq!(runs(&model, ListFilter { definition: text("odd"), ..none() }), [9, 7, 5, 3, 1]);
    assert_eq!(runs(&model, ListFilter { created_by: text("ada"), ..none() }), [10, 8, 6, 4, 2]);
    assert_eq!(runs(&model, ListFilter { metadata: metadata("line", "0"), ..none() }), [9, 6, 3]);
    let both =
        ListFilter { metadata: metadata("hot", "true"), status: text("completed"), ..none() };
    assert_eq!(runs(&model, both), [4, 2]);
    assert_eq!(runs(&model, ListFilter { metadata: metadata("a.b", "x"), ..none() }).len(), 10);
    assert!(runs(&model, ListFilter { metadata: metadata("none", "x"), ..none() }).is_empty());
}

#[test]
fn pages_follow_each_other_without_gap_or_repeat() {
    let dir = fast_dir();
    let mut model = filled(&dir.path().join("flow.db"));
    let mut filter =
        ListFilter { namespace: "default".to_owned(), limit: 4, ..ListFilter::default() };
    let mut seen = Vec::new();

    loop {
        let page = model.list(&filter).expect("listed");
        assert!(page.rows.iter().all(|row| row.result.is_none()));
        seen.extend(page.rows.iter().map(|row| row.run));
        // A run that starts meanwhile belongs to no later page.
        let new = row(20 + seen.len() as u64);
        model.apply(&[new], model.position().expect("readable"), 0).expect("applied");
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => break,
        }
    }

    assert_eq!(seen, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn ended_runs_are_found_by_time_and_position_and_can_be_removed() {
    let dir = fast_dir();
    let mut model = filled(&dir.path().join("flow.db"));
    let filter = EndedFilter {
        from_ms: 0,
        before_ms: 2_004,
        keyed_before_ms: 2_004,
        last_position_max: None,
        limit: 10,
    };
    let ended = |model: &ReadModel, filter: EndedFilter| -> Vec<u64> {
        model.ended(&filter).expect("listed").iter().map(|row| row.run).collect()
    };

    let all = ended(&model, filter);
    let early = ended(&model, EndedFilter { last_position_max: Some(2), ..filter });
    let first = model.first_end(0).expect("known");
    model.remove(&all).expect("removed");

    assert_eq!((all, first), (vec![1, 2, 3], Some(2_001)));
    assert!(early.len() < 3, "{early:?}");
    assert_eq!(runs(&model, ListFilter::default()), [10, 9, 8, 7, 6, 5, 4]);
}

#[test]
fn the_position_never_goes_back_but_by_clearing() {
    let dir = fast_dir();
    let mut model = filled(&dir.path().join("flow.db"));

    let fault = model.apply(&[], 10, 0).expect_err("it would go back");
    model.clear().expect("cleared");

    assert!(matches!(fault, StoreFault::Refused { .. }), "{fault}");
    assert_eq!(model.position(), Ok(0));
    assert!(runs(&model, ListFilter::default()).is_empty());
    model.apply(&[row(1)], 1, 0).expect("applied");
}

#[test]
fn a_file_that_cannot_be_used_is_made_anew_for_its_writer_only() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let file = beside(&path, "-read.db");
    filled(&path).close().expect("closed");
    let whole = fs::read(&file).expect("readable");
    let mut torn = whole.clone();
    torn[100..4_096].fill(0x5a);
    let mut newer = whole.clone();
    newer[63] = 200;

    for bytes in [&b"no database at all"[..], &torn, &newer, &[]] {
        fs::write(&file, bytes).expect("written");

        assert!(ReadModel::open(&url(&path), &READER).is_err());
        let mut model = writer(&path);

        assert_eq!(model.position(), Ok(0));
        model.apply(&[row(1)], 1, 0).expect("applied");
        model.close().expect("closed");
    }
}

#[test]
fn a_reader_looks_on_beside_the_writer() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let missing = ReadModel::open(&url(&path), &READER).expect_err("nothing yet");
    let mut model = filled(&path);
    let reader = ReadModel::open(&url(&path), &READER).expect("it opens");

    model.apply(&[row(11)], 12, 0).expect("applied");

    assert!(matches!(missing, StoreFault::Missing { .. }), "{missing}");
    assert_eq!(reader.position(), Ok(12));
    assert_eq!(runs(&reader, ListFilter::default()).len(), 11);
}

#[test]
fn a_store_in_memory_has_its_read_model_in_memory() {
    let mut model = ReadModel::open("memory://", &Options::default()).expect("it opens");

    model.apply(&[row(1)], 1, 0).expect("applied");

    assert_eq!(runs(&model, ListFilter::default()), [1]);
}
