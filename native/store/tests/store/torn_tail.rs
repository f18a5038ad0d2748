//! A write-ahead log that ends in the middle of a write is no damage; one that is bad in its middle is.

use pyflow_store::{Completion, StoreFault};

use crate::picture::{Picture, all_turns};
use crate::scenes::{
    FRAME, Image, append_to, fast_dir, fill, owner, submit_at, try_owner, try_reader,
};

/// A crash just after the 25th turn of a full store.
fn crashed() -> (Image, Picture) {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    fill(&mut *log);
    log.close().expect("closed");
    let mut log = owner(&path);
    append_to(&mut *log, 25);
    let picture = Picture::of(&mut *log).expect("readable");
    (Image::of(&path), picture)
}

#[test]
fn a_log_cut_at_any_byte_of_its_last_frame_ends_before_the_last_turn() {
    let (image, whole) = crashed();
    let dir = fast_dir();
    let path = dir.path().join("flow.db");

    for cut in 1..=FRAME {
        let wal = image.wal[..image.wal.len() - cut].to_vec();
        Image { wal, ..image.clone() }.lay(&path);

        let mut log = owner(&path);

        assert_eq!(log.head().map(|head| head.position), Ok(24), "cut by {cut}");
        if cut % 256 == 1 {
            assert_eq!(all_turns(&mut *log, 9).expect("readable"), whole.turns[..16]);
            append_to(&mut *log, 26);
        }
    }
}

#[test]
fn a_last_frame_whose_end_is_still_room_is_a_torn_tail() {
    let (image, whole) = crashed();
    let dir = fast_dir();
    let path = dir.path().join("flow.db");

    for lost in (512..=FRAME).step_by(512).chain([FRAME]) {
        let mut wal = image.wal.clone();
        let kept = wal.len() - lost;
        wal[kept..].fill(0);
        wal.extend(vec![0; 10 * FRAME]);
        Image { wal, ..image.clone() }.lay(&path);

        let mut log = owner(&path);

        assert_eq!(log.head().map(|head| head.position), Ok(24), "{lost} bytes are lost");
        assert_eq!(all_turns(&mut *log, 9).expect("readable"), whole.turns[..16]);
        append_to(&mut *log, 26);
        log.verify().expect("nothing is damaged");
    }
}

#[test]
fn what_lies_in_the_room_behind_the_frames_is_nothing() {
    let (image, whole) = crashed();
    let dir = fast_dir();
    let path = dir.path().join("flow.db");

    for at in (0..10 * FRAME).step_by(401) {
        let mut room = vec![0; 10 * FRAME];
        room[at] = 0x10;
        Image { wal: [image.wal.clone(), room].concat(), ..image.clone() }.lay(&path);

        let mut log = owner(&path);

        assert_eq!(Picture::of(&mut *log), Ok(whole.clone()), "byte {at}");
    }
}

#[test]
fn a_lost_first_frame_of_an_unsynced_commit_is_a_torn_tail() {
    let (mut image, _) = crashed();
    let first_of_two = image.wal.len() - 2 * FRAME;
    image.wal[first_of_two..first_of_two + FRAME].fill(0);
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    image.lay(&path);

    let mut log = owner(&path);

    assert_eq!(log.head().map(|head| head.position), Ok(24));
    append_to(&mut *log, 26);
    log.verify().expect("nothing is damaged");
}

#[test]
fn a_lost_sector_before_a_synced_commit_is_damage() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 12);
    let image = Image::of(&path);
    drop(log);
    let frames = (image.wal.len() - 32) / FRAME;

    // The head that the last commit wrote proves all before it.
    for frame in 0..frames - 2 {
        for sector in [0, 512, 2_048, 3_584] {
            let mut wal = image.wal.clone();
            let at = 32 + frame * FRAME + sector;
            wal[at..at + 512].fill(0xa5);
            Image { wal, ..image.clone() }.lay(&path);

            for outcome in [try_owner(&path), try_reader(&path)] {
                let fault = outcome.expect_err("damage");
                let StoreFault::Damaged(damage) = &fault else { panic!("frame {frame}: {fault}") };
                assert_eq!(damage.frame, Some(frame as u64 + 1));
            }
        }
    }
}

#[test]
fn left_overs_of_a_failed_transaction_are_no_damage() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 4);
    let before = Image::of(&path);
    append_to(&mut *log, 9);
    let after = Image::of(&path);
    drop(log);
    // The file as it is when a long transaction failed and a short one was written over its beginning.
    let mut wal = before.wal;
    wal.extend(&after.wal[wal.len()..wal.len() + 32]);
    wal.extend(vec![7; FRAME]);
    Image { wal, ..after }.lay(&path);

    let mut log = owner(&path);

    assert_eq!(log.head().map(|head| head.position), Ok(4));
    let completion = submit_at(&mut *log, 5);
    assert_eq!(completion, Completion::Durable { position: 5 });
}
