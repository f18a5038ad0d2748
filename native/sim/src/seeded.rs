//! Does the simulator see what it is there to see? Each seeded bug is planted in turn, and seeds are
//! played until one fails.

use std::fmt;
use std::time::{Duration, Instant};

use pyflow_core::seeded::{Bug, plant};

use crate::campaign::{self, Campaign};

/// A seeded bug, and where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub bug: Bug,
    /// The seed, the promise that was seen broken, and how many seeds were played until then; none
    /// where the time was over first.
    pub at: Option<(u64, &'static str)>,
    pub seeds: u64,
    pub span: Duration,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bug, seeds, span) = (format!("{:?}", self.bug), self.seeds, self.span.as_secs_f64());
        match self.at {
            Some((seed, promise)) => {
                write!(f, "{bug:22} seed {seed:6} of {seeds:6} in {span:5.1} s  {promise}")
            }
            None => write!(f, "{bug:22} NOT FOUND in {seeds} seeds and {span:.1} s"),
        }
    }
}

/// What one bug may take of the time that is left: most take next to none.
const PART: u32 = 4;

/// Looks for each bug, or for one by its name, and for all of them no longer than `span`.
pub fn look_for(span: Duration, only: Option<&str>, mut tell: impl FnMut(&Found)) -> Vec<Found> {
    let wanted: Vec<Bug> = Bug::ALL
        .iter()
        .copied()
        .filter(|bug| only.is_none_or(|name| format!("{bug:?}") == name))
        .collect();
    let first_began = Instant::now();
    let mut found = Vec::new();
    for bug in wanted {
        let began = Instant::now();
        let share = span.saturating_sub(began.duration_since(first_began)) / PART;
        plant(Some(bug));
        let outcome = campaign::run(&Campaign { span: share, ..Campaign::until_failure() });
        plant(None);
        let first = outcome.failures.first();
        let one = Found {
            bug,
            at: first.map(|(seed, failure)| (*seed, failure.invariant)),
            seeds: outcome.tally.seeds,
            span: began.elapsed(),
        };
        tell(&one);
        found.push(one);
    }
    found
}
