//! One flipped bit, anywhere: it is found, or it changes no answer.

use std::path::Path;

use pyflow_store::{Completion, Log, StoreFault};

use crate::picture::Picture;
use crate::scenes::{Image, append_to, fast_dir, fill, owner, submit_at, try_owner, try_reader};

/// How the flips of one file went.
#[derive(Debug, Default)]
struct Tally {
    found: usize,
    harmless: usize,
}

/// Opens a store in both ways and asks for everything.
fn check(path: &Path, whole: &Picture, tally: &mut Tally, what: &str) {
    let read = try_reader(path).and_then(|mut log| Picture::of(&mut *log));
    if let Ok(picture) = &read {
        assert!(picture == whole, "{what}: a reader gets another answer");
    }
    let owned = try_owner(path).and_then(|mut log| check_owner(&mut *log, whole, what));
    match (read, owned) {
        (Ok(_), Ok(())) => tally.harmless += 1,
        (Err(fault), _) | (Ok(_), Err(fault)) => {
            assert!(fault.code().starts_with("PF2"), "{what}: {fault}");
            tally.found += 1;
        }
    }
}

/// An owner also writes: a page that is damaged where it keeps no row must not spoil others.
fn check_owner(log: &mut dyn Log, whole: &Picture, what: &str) -> Result<(), StoreFault> {
    assert!(Picture::of(log)? == *whole, "{what}: an owner gets another answer");
    let position = whole.position + 1;
    match submit_at(log, position) {
        Completion::Durable { .. } => {}
        Completion::Failed { fault, .. } => return Err(fault),
        fenced @ Completion::Fenced { .. } => panic!("{what}: {fenced:?}"),
    }
    let after = Picture::of(log)?;
    assert_eq!(after.position, position);
    assert!(after.turns[..whole.turns.len()] == whole.turns, "{what}: a write spoils turns");
    assert!(after.snapshots == whole.snapshots, "{what}: a write spoils snapshots");
    assert!(after.meta == whole.meta, "{what}: a write spoils metadata");
    log.verify().map(|_| ())
}

/// Flips one bit of every `step`-th byte; which bit goes round.
fn flip_each(image: &Image, whole: &Picture, step: usize, is_wal: bool) -> Tally {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut image = image.clone();
    let mut tally = Tally::default();
    let size = if is_wal { image.wal.len() } else { image.main.len() };
    for at in (0..size).step_by(step) {
        let mask = 1_u8 << (at / step % 8);
        let name = if is_wal { "wal" } else { "main" };
        let flip = |image: &mut Image| {
            let bytes = if is_wal { &mut image.wal } else { &mut image.main };
            bytes[at] ^= mask;
        };
        flip(&mut image);
        image.lay(&path);
        check(&path, whole, &mut tally, &format!("{name} byte {at} mask {mask:#x}"));
        flip(&mut image);
    }
    tally
}

/// A full store at rest: all in the main file.
fn at_rest() -> (Image, Picture) {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    fill(&mut *log);
    let picture = Picture::of(&mut *log).expect("readable");
    log.close().expect("closed");
    (Image::of(&path), picture)
}

/// A store after a crash: turns in the main file and in the write-ahead log.
fn after_crash() -> (Image, Picture) {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    fill(&mut *log);
    log.close().expect("closed");
    let mut log = owner(&path);
    append_to(&mut *log, 26);
    let picture = Picture::of(&mut *log).expect("readable");
    (Image::of(&path), picture)
}

#[test]
fn a_flipped_bit_in_the_main_file_is_found_or_harmless() {
    let (image, whole) = at_rest();

    // A prime step: each place within a page and each bit has its turn over the pages.
    let tally = flip_each(&image, &whole, 29, false);

    assert!(tally.found > 100 && tally.harmless > 100, "{tally:?}");
}

#[test]
fn a_flipped_bit_in_the_write_ahead_log_is_found_or_harmless() {
    let (image, whole) = after_crash();

    let tally = flip_each(&image, &whole, 13, true);

    assert!(tally.found > 1_000, "{tally:?}");
}

#[test]
#[ignore = "minutes long: every byte of both files"]
fn a_flipped_bit_in_any_byte_is_found_or_harmless() {
    let (image, whole) = at_rest();
    let main = flip_each(&image, &whole, 1, false);
    let (image, whole) = after_crash();
    let wal = flip_each(&image, &whole, 1, true);

    assert!(main.found > 1_000 && wal.found > 10_000, "{main:?} {wal:?}");
}

#[test]
fn a_file_cut_anywhere_is_found() {
    let (image, _) = at_rest();
    let dir = fast_dir();
    let path = dir.path().join("flow.db");

    for length in (0..image.main.len()).step_by(499) {
        let main = image.main[..length].to_vec();
        Image { main, wal: Vec::new() }.lay(&path);

        let fault = try_owner(&path).err();

        assert!(fault.is_some(), "cut to {length}");
    }
}
