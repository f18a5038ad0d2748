//! Running the code under test so that a killed process ends and a broken fact is told.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;

use crate::disk::Killed;

thread_local! {
    /// What the latest panic of this thread said, and where.
    static LAST_WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// How a call ended that did not return.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The process was killed in it, as the seed wanted.
    Killed,
    /// A fact broke in it.
    Broke(String),
}

/// Keeps what panics say instead of printing it: a broken fact is reported once, with its seed.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        LAST_WORDS.with(|words| words.replace(info.to_string()));
    }));
}

pub(crate) fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, Ended> {
    std::panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        if payload.is::<Killed>() {
            return Ended::Killed;
        }
        Ended::Broke(LAST_WORDS.with(RefCell::take))
    })
}
