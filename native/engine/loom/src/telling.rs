//! The inbox under every order in which threads can run.

use std::collections::VecDeque;

use loom::sync::Arc;
use loom::thread;

use crate::awaited::Awaited;
use crate::inbox::{Inbox, NotTaken};

/// What a ring takes, sleeping in between, until so much has come.
fn take(inbox: &Inbox<u8>, count: usize) -> VecDeque<u8> {
    let mut taken = VecDeque::new();
    while taken.len() < count {
        inbox.wait_take(None, &mut taken);
    }
    taken
}

#[test]
fn a_ring_that_sleeps_is_woken_for_all_that_is_put() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(8));
        let asking = inbox.clone();

        let asker = thread::spawn(move || {
            asking.put(1, true).expect("there is room");
            asking.put(2, true).expect("there is room");
        });
        let taken = take(&inbox, 2);

        asker.join().expect("it does not panic");
        assert_eq!(taken, [1, 2]);
        assert!(!inbox.has_news());
    });
}

#[test]
fn who_rouses_takes_nothing_from_who_puts() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(8));
        let (asking, rousing) = (inbox.clone(), inbox.clone());

        let asker = thread::spawn(move || asking.put(1, true).expect("there is room"));
        let rouser = thread::spawn(move || rousing.rouse());
        let mut taken = VecDeque::new();
        while inbox.wait_take(None, &mut taken) {
            assert!(taken.is_empty(), "it was told that nothing has come");
        }

        asker.join().expect("it does not panic");
        rouser.join().expect("it does not panic");
        assert_eq!(taken, [1]);
    });
}

#[test]
fn what_was_taken_before_the_end_is_there_at_the_end() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(8));
        let (asking, closing) = (inbox.clone(), inbox.clone());

        let asker = thread::spawn(move || asking.put(1, true));
        let closer = thread::spawn(move || closing.close());
        let mut taken = VecDeque::new();
        while !inbox.is_closed() {
            inbox.wait_take(None, &mut taken);
        }
        inbox.take_nowait(&mut taken);

        closer.join().expect("it does not panic");
        match asker.join().expect("it does not panic") {
            Ok(()) => assert_eq!(taken, [1]),
            Err(refused) => assert_eq!((refused, taken.len()), (NotTaken::Closed, 0)),
        }
    });
}

#[test]
fn news_are_seen_by_who_waits_awake_as_long_as_they_are_there() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(8));
        let asking = inbox.clone();

        let asker = thread::spawn(move || asking.put(1, true).expect("there is room"));
        let mut taken = VecDeque::new();
        inbox.take_nowait(&mut taken);
        asker.join().expect("it does not panic");

        assert_eq!(inbox.has_news(), taken.is_empty());
    });
}

#[test]
fn of_two_who_ask_at_a_door_with_room_for_one_only_one_comes_in() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(1));
        let asking = inbox.clone();

        let asker = thread::spawn(move || asking.put(1, true).is_ok());
        let mine = inbox.put(2, true).is_ok();
        let theirs = asker.join().expect("it does not panic");

        assert!(mine ^ theirs, "there is room for one");
        assert_eq!(inbox.len(), 1);
    });
}
