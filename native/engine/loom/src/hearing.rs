//! The outbox and its waker under every order in which threads can run.

use loom::sync::Arc;
use loom::thread;

use crate::awaited::Awaited;
use crate::outbox::Outbox;
use crate::waker::Waker;

fn outbox() -> (Arc<Outbox<u8>>, Waker) {
    let waker = Waker::new();
    (Arc::new(Outbox::new(Some(waker.clone()))), waker)
}

#[test]
fn a_loop_that_sleeps_would_wake_as_long_as_something_is_left_to_hear() {
    loom::model(|| {
        let (outbox, waker) = outbox();
        let telling = outbox.clone();

        let ring = thread::spawn(move || {
            telling.extend([1]);
            telling.extend([2, 3]);
        });
        let mut heard = Vec::new();
        outbox.drain(&mut heard, 1);
        outbox.drain(&mut heard, 1);
        ring.join().expect("it does not panic");

        let is_left = heard.len() < 3;
        assert_eq!((waker.is_readable(), outbox.has_news()), (is_left, is_left));
        outbox.drain(&mut heard, 3);
        assert_eq!((waker.is_readable(), outbox.has_news()), (false, false));
        assert_eq!(heard, [1, 2, 3]);
    });
}

#[test]
fn who_sees_news_while_awake_hears_them() {
    loom::model(|| {
        let (outbox, _waker) = outbox();
        let telling = outbox.clone();

        let ring = thread::spawn(move || telling.extend([1]));
        let has_news = outbox.has_news();
        let mut heard = Vec::new();
        outbox.drain(&mut heard, 1);

        assert!(!has_news || heard == [1], "it was told of news that are not there");
        ring.join().expect("it does not panic");
    });
}

#[test]
fn two_who_tell_are_both_heard() {
    loom::model(|| {
        let (outbox, waker) = outbox();
        let (telling, closing) = (outbox.clone(), outbox.clone());

        let ring = thread::spawn(move || telling.extend([1]));
        let other = thread::spawn(move || closing.extend([2]));
        let mut heard = Vec::new();
        while heard.len() < 2 {
            if waker.is_readable() {
                outbox.drain(&mut heard, 2);
            }
            thread::yield_now();
        }

        ring.join().expect("it does not panic");
        other.join().expect("it does not panic");
        heard.sort_unstable();
        assert_eq!(heard, [1, 2]);
    });
}
