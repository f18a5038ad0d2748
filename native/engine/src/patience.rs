//! How the ring waits: awake for a moment where an answer comes sooner than a sleeper wakes.
//!
//! Steps of one run go to and fro between the event loop's thread and the ring's. To wake a thread on another processor
//! takes as long as what it then does; who has just been waited for briefly is waited for awake. Not so on one and the
//! same processor, where whoever is awake keeps the other from it.

use std::time::{Duration, Instant};

use crate::awaited::Awaited;

/// It stays awake no longer than this.
const AWAKE_MAX: Duration = Duration::from_micros(100);
/// A wait that was shorter than this may be as short again. To fall asleep and to wake is a part of it.
const BRIEF: Duration = Duration::from_micros(200);

/// Waits for news without sleeping; answers whether there is some. None: whoever makes it could not go on meanwhile.
pub(crate) fn wait_awake(awaited: &impl Awaited, span: Duration) -> Option<bool> {
    let since = Instant::now();
    loop {
        if awaited.has_news() {
            return Some(true);
        }
        if awaited.is_made_here() {
            return None;
        }
        if since.elapsed() >= span {
            return Some(false);
        }
        std::hint::spin_loop();
    }
}

/// What the ring has seen of its waits.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    was_brief: bool,
}

impl Patience {
    /// Waits: awake until there is news, where that may be soon, and then as `sleep` does, which answers whether it was
    /// only roused for what is near.
    pub(crate) fn wait(&mut self, awaited: &impl Awaited, mut sleep: impl FnMut() -> bool) {
        let mut since = Instant::now();
        if self.was_brief {
            wait_awake(awaited, AWAKE_MAX);
        }
        while sleep() {
            since = Instant::now();
            wait_awake(awaited, AWAKE_MAX);
        }
        self.was_brief = since.elapsed() < BRIEF;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// News that come with the fourth look.
    #[derive(Default)]
    struct News {
        looks: Cell<usize>,
        is_made_here: bool,
    }

    impl Awaited for News {
        fn has_news(&self) -> bool {
            self.looks.replace(self.looks.get() + 1) > 2
        }

        fn is_made_here(&self) -> bool {
            self.is_made_here
        }
    }

    /// How often a wait looks for news before it sleeps.
    fn looks_of_a_wait(patience: &mut Patience, is_made_here: bool) -> usize {
        let news = News { is_made_here, ..News::default() };
        patience.wait(&news, || {
            std::thread::sleep(BRIEF);
            false
        });
        news.looks.get()
    }

    #[test]
    fn it_is_awake_only_after_a_brief_wait_and_not_where_it_is_in_the_way() {
        let mut patience = Patience::default();
        let first = looks_of_a_wait(&mut patience, false);
        patience.was_brief = true;
        let after_a_brief_one = looks_of_a_wait(&mut patience, false);
        let after_a_long_one = looks_of_a_wait(&mut patience, false);
        patience.was_brief = true;
        let in_the_way = looks_of_a_wait(&mut patience, true);

        assert_eq!((first, after_a_brief_one, after_a_long_one, in_the_way), (0, 4, 0, 1));
    }

    #[test]
    fn it_is_awake_for_what_it_is_roused_for() {
        let (mut patience, news, sleeps) = (Patience::default(), News::default(), Cell::new(0));

        patience.wait(&news, || {
            std::thread::sleep(BRIEF);
            sleeps.replace(sleeps.get() + 1) == 0
        });

        assert_eq!((news.looks.get(), sleeps.get()), (4, 2));
    }

    #[test]
    fn it_falls_asleep_where_no_news_comes() {
        let mut patience = Patience { was_brief: true };
        let slept = Cell::new(false);

        patience.wait(&Never, || slept.replace(true));

        assert!(slept.get());
    }

    struct Never;

    impl Awaited for Never {
        fn has_news(&self) -> bool {
            false
        }

        fn is_made_here(&self) -> bool {
            false
        }
    }
}
