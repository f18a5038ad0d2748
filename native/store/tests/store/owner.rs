//! One owner at a time, readers beside it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pyflow_store::{Completion, StoreFault};

use crate::picture::{Picture, all_turns};
use crate::scenes::{
    append_to, fast_dir, fill, owner, submit, submit_at, try_owner, try_reader, turn,
};

const STORE_VARIABLE: &str = "PYFLOW_TEST_STORE_TO_HOLD";

/// Another process that owns a store and appends to it until it is killed.
struct Holder {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Holder {
    fn start(path: &Path) -> Self {
        let binary = std::env::current_exe().expect("this test has a path");
        let mut child = Command::new(binary)
            .args(["--exact", "owner::hold_a_store_when_told_to", "--nocapture"])
            .env(STORE_VARIABLE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the holder starts");
        let said = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut holder = Self { child, said };
        assert_eq!(holder.next_position(), 0);
        holder
    }

    /// The next position that it says is durable; 0 once the store is open.
    fn next_position(&mut self) -> u64 {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).expect("it speaks"), 0, "it has ended");
            // The test harness says a few words before the test does.
            if let Some((_, position)) = line.trim().rsplit_once("durable ") {
                return position.parse().expect("a position");
            }
        }
    }

    fn go(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("its input is piped");
        writeln!(stdin).expect("it listens");
    }

    fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

/// No test by itself: the body of [`Holder`]'s process.
#[test]
fn hold_a_store_when_told_to() {
    let Some(path) = std::env::var_os(STORE_VARIABLE).map(PathBuf::from) else { return };
    let mut log = owner(&path);
    let mut out = std::io::stdout();
    writeln!(out, "durable 0").expect("somebody reads");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("somebody writes");
    let first = log.head().expect("readable").position + 1;
    for position in first.. {
        append_to(&mut *log, position);
        writeln!(out, "durable {position}").expect("somebody reads");
    }
}

#[test]
fn a_second_process_is_told_who_holds_the_store() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let holder = Holder::start(&path);

    let fault = try_owner(&path).expect_err("it is held");

    let StoreFault::Busy { pid, since_ms, .. } = &fault else { panic!("{fault}") };
    assert_eq!(*pid, Some(holder.child.id()));
    assert!(since_ms.is_some_and(|since_ms| since_ms > 1_500_000_000_000));
    holder.kill();
    owner(&path);
}

#[test]
fn a_second_owner_in_the_same_process_is_refused_too() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let first = owner(&path);
    let link = dir.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).expect("linked");

    for other in [&path, &link] {
        let fault = try_owner(other).expect_err("it is held");
        assert_eq!(fault.code(), "PF2002", "{fault}");
    }
    first.close().expect("closed");
    owner(&link);
}

#[test]
fn nothing_acknowledged_is_lost_when_the_owner_is_killed() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut before = 0;
    for kills in 1..=5 {
        let mut holder = Holder::start(&path);
        holder.go();
        let mut acknowledged = 0;
        while acknowledged < before + 40 * kills {
            acknowledged = holder.next_position();
        }
        holder.kill();

        let mut log = owner(&path);

        before = log.head().expect("readable").position;
        assert!(before >= acknowledged, "{before} < {acknowledged}");
        assert_eq!(all_turns(&mut *log, 1).map(|turns| turns.len() as u64), Ok(before));
        log.verify().expect("nothing is damaged");
    }
}

#[test]
fn each_opening_has_a_new_epoch_and_fences_turns_of_the_old() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 1);
    let old = log.epoch();
    log.close().expect("closed");

    let mut log = owner(&path);

    assert_eq!(log.epoch(), old + 1);
    let completion = submit(&mut *log, turn(2, old));
    assert_eq!(completion, Completion::Fenced { position: 2, epoch: old + 1 });
    append_to(&mut *log, 2);
}

#[test]
fn an_owner_whose_lock_did_not_hold_is_fenced_by_the_store() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut old = owner(&path);
    append_to(&mut *old, 2);
    // As on a network file system that forgot the lock.
    std::fs::remove_file(dir.path().join("flow.db.lock")).expect("removed");
    let mut new = owner(&path);

    let completion = submit_at(&mut *old, 3);

    assert_eq!(completion, Completion::Fenced { position: 3, epoch: new.epoch() });
    let fault = old.cas_meta("name", None, Some(b"x")).expect_err("fenced");
    assert!(matches!(fault, StoreFault::Fenced { .. }), "{fault}");
    append_to(&mut *new, 3);
}

#[test]
fn a_reader_sees_a_live_owner_and_cannot_write() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    fill(&mut *log);
    let mut reader = try_reader(&path).expect("it opens beside the owner");

    assert_eq!(Picture::of(&mut *reader), Picture::of(&mut *log));
    append_to(&mut *log, 25);

    assert_eq!(reader.head().map(|head| head.position), Ok(25));
    reader.verify().expect("nothing is damaged");
    let completion = submit(&mut *reader, turn(26, log.epoch()));
    assert!(
        matches!(completion, Completion::Failed { fault: StoreFault::ReadOnly { .. }, .. }),
        "{completion:?}"
    );
    assert_eq!(reader.cas_meta("x", None, None).expect_err("read-only").code(), "PF2005");
    reader.close().expect("closed");
    append_to(&mut *log, 26);
}

#[test]
fn a_reader_beside_a_busy_owner_never_sees_damage() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut holder = Holder::start(&path);
    holder.go();

    for _ in 0..200 {
        let mut reader = try_reader(&path).expect("it opens beside the owner");
        let head = reader.head().expect("readable").position;
        let turns = reader.read(head.saturating_sub(5).max(1), usize::MAX).expect("no damage");
        assert!(turns.last().is_none_or(|turn| turn.position >= head));
        holder.next_position();
    }
    holder.kill();
}
