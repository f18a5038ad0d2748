//! Status words: one byte for a run and one for each of its tasks, written by the ring, read by all.
//!
//! The words of a turn's tasks are written before the run's. A reader that asks for the run first
//! and then for a task therefore never finds a task behind its run: who sees "completed" sees every
//! task in the state that it ended in.

use crate::sync::{AtomicU8, Ordering};

/// The words of a run.
#[derive(Debug)]
pub(crate) struct Words {
    run: AtomicU8,
    tasks: Tasks,
}

/// So many words take no memory of their own: most runs have few tasks.
const INLINE_COUNT: usize = 16;

#[derive(Debug)]
enum Tasks {
    Few(u8, [AtomicU8; INLINE_COUNT]),
    Many(Box<[AtomicU8]>),
}

impl Tasks {
    fn new(count: usize, first: u8) -> Self {
        if count <= INLINE_COUNT {
            Self::Few(count as u8, std::array::from_fn(|_| AtomicU8::new(first)))
        } else {
            Self::Many((0..count).map(|_| AtomicU8::new(first)).collect())
        }
    }

    fn all(&self) -> &[AtomicU8] {
        match self {
            Self::Few(count, words) => &words[..usize::from(*count)],
            Self::Many(words) => words,
        }
    }
}

impl Words {
    /// Words that all start in state `first`.
    pub(crate) fn new(count: usize, first: u8) -> Self {
        Self { run: AtomicU8::new(first), tasks: Tasks::new(count, first) }
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.all().len()
    }

    pub(crate) fn run(&self) -> u8 {
        self.run.load(Ordering::Acquire)
    }

    pub(crate) fn task(&self, index: usize) -> Option<u8> {
        Some(self.tasks.all().get(index)?.load(Ordering::Acquire))
    }

    /// Moves the run's word, where `allowed` lets it go from what it holds; tells whether it did.
    pub(crate) fn move_run(&self, to: u8, allowed: impl Fn(u8) -> bool) -> bool {
        move_word(&self.run, to, allowed)
    }

    /// The same for a task's word.
    pub(crate) fn move_task(&self, index: usize, to: u8, allowed: impl Fn(u8) -> bool) -> bool {
        self.tasks.all().get(index).is_some_and(|word| move_word(word, to, allowed))
    }
}

/// Compare-and-swap, so that a word is only ever moved from the state that the move was meant for.
fn move_word(word: &AtomicU8, to: u8, allowed: impl Fn(u8) -> bool) -> bool {
    let mut from = word.load(Ordering::Acquire);
    while allowed(from) {
        match word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return true,
            Err(found) => from = found,
        }
    }
    false
}
