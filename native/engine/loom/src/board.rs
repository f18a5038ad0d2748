//! The status board under every order in which threads can run.

use loom::sync::Arc;
use loom::thread;

use crate::words::Words;

const RUNNING: u8 = 1;
const COMPLETED: u8 = 5;

#[test]
fn who_sees_a_run_completed_sees_its_tasks_completed() {
    loom::model(|| {
        let words = Arc::new(Words::new(2, RUNNING));
        let writer = words.clone();

        let ring = thread::spawn(move || {
            writer.move_task(0, COMPLETED, |from| from == RUNNING);
            writer.move_task(1, COMPLETED, |from| from == RUNNING);
            writer.move_run(COMPLETED, |from| from == RUNNING);
        });

        if words.run() == COMPLETED {
            assert_eq!(words.task(0), Some(COMPLETED));
            assert_eq!(words.task(1), Some(COMPLETED));
        }
        ring.join().expect("the writer does not panic");
        assert_eq!(words.run(), COMPLETED);
    });
}

#[test]
fn of_two_moves_from_one_state_only_one_is_made() {
    loom::model(|| {
        let words = Arc::new(Words::new(1, RUNNING));
        let other = words.clone();

        let racing = thread::spawn(move || other.move_task(0, 6, |from| from == RUNNING));
        let mine = words.move_task(0, 7, |from| from == RUNNING);
        let theirs = racing.join().expect("the other does not panic");

        assert!(mine ^ theirs, "exactly one of them moved the word");
        assert_eq!(words.task(0), Some(if mine { 7 } else { 6 }));
    });
}

#[test]
fn a_reader_never_sees_a_task_go_back() {
    loom::model(|| {
        let words = Arc::new(Words::new(1, 0));
        let writer = words.clone();

        let ring = thread::spawn(move || {
            for to in 1..=3 {
                assert!(writer.move_task(0, to, |from| from < to));
            }
        });

        let (first, second) = (words.task(0), words.task(0));
        assert!(first <= second, "{first:?} then {second:?}");
        ring.join().expect("the writer does not panic");
    });
}
