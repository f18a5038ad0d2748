//! A full disk: writes are refused cleanly, reads go on, writes resume.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use pyflow_store::{Blob, Completion, StoreFault, Turn};
use tempfile::TempDir;

use crate::picture::all_turns;
use crate::scenes::{append_to, owner, submit, try_owner, try_reader, turn};

/// A small file system of its own, gone with the test.
struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self { dir })
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("flow.db")
    }

    fn remount(&self, option: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{option}")])
            .arg(self.dir.path())
            .status()
            .expect("mount runs");
        assert!(status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.dir.path()).status();
    }
}

/// Takes all the room that is left.
fn fill_up(dir: &Path) -> PathBuf {
    let path = dir.join("ballast");
    let mut size = 4 << 20;
    let mut bytes = Vec::new();
    while size >= 1 {
        bytes.resize(bytes.len() + size, 1);
        if fs::write(&path, &bytes).is_err() {
            bytes.truncate(bytes.len() - size);
            size /= 2;
        }
    }
    let _ = fs::write(&path, &bytes);
    path
}

#[test]
fn a_full_disk_refuses_writes_keeps_reads_and_resumes() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this user may not mount a small disk");
        return;
    };
    let mut log = owner(&disk.path());
    append_to(&mut *log, 20);

    for round in 1..=10 {
        let ballast = fill_up(disk.dir.path());
        let before = log.head().expect("readable").position;
        let mut refused = None;
        while refused.is_none() {
            let position = log.head().expect("readable").position + 1;
            let events = Bytes::from(vec![3; 60_000]);
            let large = Turn { events, ..turn(position, log.epoch()) };
            match submit(&mut *log, large) {
                Completion::Durable { .. } => {}
                Completion::Failed { fault, .. } => refused = Some((position, fault)),
                fenced @ Completion::Fenced { .. } => panic!("{fenced:?}"),
            }
        }

        let (position, fault) = refused.expect("it was refused");
        assert!(matches!(fault, StoreFault::Full { .. }), "round {round}: {fault}");
        assert_eq!(log.head().map(|head| head.position), Ok(position - 1));
        let blob = Blob::new(Bytes::from(vec![5; 3 << 20]));
        assert_eq!(log.put_blobs(&[blob]).expect_err("full").code(), "PF2004");
        assert_eq!(all_turns(&mut *log, 1).map(|turns| turns.len() as u64), Ok(position - 1));

        fs::remove_file(ballast).expect("removed");
        append_to(&mut *log, before.max(position - 1) + 1);
    }
    let last = log.head().expect("readable").position;
    log.verify().expect("nothing is damaged");
    drop(log);
    let mut log = owner(&disk.path());
    assert_eq!(log.head().map(|head| head.position), Ok(last));
}

#[test]
fn a_disk_that_cannot_be_written_serves_readers() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this user may not mount a small disk");
        return;
    };
    let mut log = owner(&disk.path());
    append_to(&mut *log, 3);
    log.close().expect("closed");
    disk.remount("ro");

    let fault = try_owner(&disk.path()).expect_err("read-only");
    let mut reader = try_reader(&disk.path()).expect("a reader opens");

    assert_eq!(fault.code(), "PF2005", "{fault}");
    assert_eq!(reader.read(1, 10_000).map(|turns| turns.len()), Ok(3));
}
