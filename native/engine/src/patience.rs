//! How the ring waits: awake for a moment where an answer comes sooner than a sleeper wakes.
//!
//! Steps of one run go to and fro between the event loop's thread and the ring's. To wake a thread on another processor
//! takes as long as what it then does; who has just been waited for briefly is waited for awake.

use std::time::{Duration, Instant};

/// It stays awake no longer than this.
const AWAKE_MAX: Duration = Duration::from_micros(100);
/// A wait that was shorter than this may be as short again. To fall asleep and to wake is a part of it.
const BRIEF: Duration = Duration::from_micros(200);

/// What the ring has seen of its waits.
#[derive(Debug)]
pub(crate) struct Patience {
    /// One that is alone on its processor would keep off what it waits for.
    has_others: bool,
    was_brief: bool,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { has_others: has_others(), was_brief: false }
    }

    /// Waits: awake until there is news, where that may be soon, and then as `sleep` does, which answers whether it was
    /// only roused for what is near.
    pub(crate) fn wait(&mut self, has_news: impl Fn() -> bool, mut sleep: impl FnMut() -> bool) {
        let mut since = Instant::now();
        if self.has_others && self.was_brief {
            wait_awake(&has_news, AWAKE_MAX);
        }
        while sleep() {
            since = Instant::now();
            wait_awake(&has_news, AWAKE_MAX);
        }
        self.was_brief = since.elapsed() < BRIEF;
    }
}

/// Whether there is more than one processor to run on.
pub(crate) fn has_others() -> bool {
    std::thread::available_parallelism().is_ok_and(|count| count.get() > 1)
}

/// Waits for news without sleeping; answers whether there is some.
pub(crate) fn wait_awake(has_news: impl Fn() -> bool, span: Duration) -> bool {
    let since = Instant::now();
    loop {
        if has_news() {
            return true;
        }
        if since.elapsed() >= span {
            return false;
        }
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often a wait looks for news before it sleeps.
    fn looks_of_a_wait(patience: &mut Patience, slept: Duration) -> usize {
        let looks = Cell::new(0);
        let has_news = || looks.replace(looks.get() + 1) > 2;
        patience.wait(has_news, || {
            std::thread::sleep(slept);
            false
        });
        looks.get()
    }

    #[test]
    fn it_is_awake_only_after_a_brief_wait_and_not_where_it_is_alone() {
        let mut patience = Patience { has_others: true, was_brief: false };
        let first = looks_of_a_wait(&mut patience, BRIEF);
        patience.was_brief = true;
        let after_a_brief_one = looks_of_a_wait(&mut patience, BRIEF);
        let after_a_long_one = looks_of_a_wait(&mut patience, BRIEF);
        let mut alone = Patience { has_others: false, was_brief: true };
        let alone = looks_of_a_wait(&mut alone, BRIEF);

        assert_eq!((first, after_a_brief_one, after_a_long_one, alone), (0, 4, 0, 0));
    }

    #[test]
    fn it_is_awake_for_what_it_is_roused_for() {
        let mut patience = Patience { has_others: true, was_brief: false };
        let (looks, sleeps) = (Cell::new(0), Cell::new(0));
        let has_news = || looks.replace(looks.get() + 1) > 2;

        patience.wait(has_news, || {
            std::thread::sleep(BRIEF);
            sleeps.replace(sleeps.get() + 1) == 0
        });

        assert_eq!((looks.get(), sleeps.get()), (4, 2));
    }

    #[test]
    fn it_falls_asleep_where_no_news_comes() {
        let mut patience = Patience { has_others: true, was_brief: true };
        let slept = Cell::new(false);

        patience.wait(|| false, || slept.replace(true));

        assert!(slept.get());
    }
}
