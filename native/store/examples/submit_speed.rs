//! How fast a turn of 220 bytes becomes durable here, against a plain SQLite commit on the same disk.
//!
//! Run `cargo run --release -p pyflow-store --example submit_speed [directory] [turns]`. The two alternate, so that
//! a disk that is busy meanwhile slows both.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pyflow_store::{Completion, Log, Options, Turn, open};
use rusqlite::Connection;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let turns = arguments.next().map_or(2_000, |count| count.parse().expect("a number of turns"));
    let dir = tempfile::tempdir_in(base).expect("a directory");
    let url = format!("sqlite:///{}", dir.path().join("flow.db").display());
    let mut log = open(&url, &Options::default()).expect("the store opens");
    let plain = plain_database(&dir.path().join("plain.db"));
    let (mut ours, mut theirs, mut unsynced) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..turns {
        // Each goes first every other time: a sync also pays for what the one before left to the journal.
        if number % 2 == 0 {
            theirs.push(timed(|| insert(&plain, number)));
            ours.push(timed_submit(&mut *log, true));
        } else {
            ours.push(timed_submit(&mut *log, true));
            theirs.push(timed(|| insert(&plain, number)));
        }
    }
    for _ in 0..turns {
        unsynced.push(timed_submit(&mut *log, false));
    }
    let mut out = std::io::stdout();
    let rows =
        [("plain SQLite", &mut theirs), ("submit", &mut ours), ("submit unsynced", &mut unsynced)];
    for (name, times) in rows {
        times.sort_unstable();
        let mean = times.iter().sum::<Duration>() / times.len() as u32;
        let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        writeln!(
            out,
            "{name:16} mean {mean:?}  p50 {p50:?}  p99 {p99:?}  max {:?}",
            times[times.len() - 1]
        )
        .expect("somebody reads");
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn timed_submit(log: &mut dyn Log, sync: bool) -> Duration {
    let position = log.head().expect("readable").position + 1;
    let events = Bytes::from(vec![position as u8; 220]);
    let turn = Turn {
        position,
        epoch: log.epoch(),
        runs: vec![position],
        events,
        blobs: Vec::new(),
        named: Vec::new(),
        forgotten: Vec::new(),
        sync,
    };
    let mut completions = Vec::new();
    let took = timed(|| {
        log.submit(turn);
        log.completions(&mut completions);
    });
    assert_eq!(completions, [Completion::Durable { position }]);
    took
}

fn plain_database(path: &Path) -> Connection {
    let conn = Connection::open(path).expect("SQLite opens");
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).expect("set");
    conn.pragma_update(None, "synchronous", "FULL").expect("set");
    conn.execute("CREATE TABLE event(position INTEGER PRIMARY KEY, bytes BLOB)", []).expect("made");
    conn
}

fn insert(conn: &Connection, number: u64) {
    let bytes = [number as u8; 220];
    conn.prepare_cached("INSERT INTO event(bytes) VALUES (?1)")
        .and_then(|mut insert| insert.execute([&bytes[..]]))
        .expect("inserted");
}
