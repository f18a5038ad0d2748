//! The simulator itself: it sees what it must, and a seed is a story that can be told again.

use std::time::Duration;

use pyflow_sim::campaign::{self, Campaign};

/// Seeds that have found something, with what they found; each must stay quiet.
const FOUND: &[(u64, &str)] = &[
    (19, "looks at a full store saw what the log did not hold"),
    (137, "a batch of starts was answered twice"),
    (405, "ended runs were missing from a read model that was made anew"),
    (691, "a suspect that had ended held up other work"),
    (2551, "a taken id was told as the repeat of a key that was free again"),
    (22174, "an attempt that had beaten was taken for silent after a turn was lost"),
    (7_005_786, "a permit that was let go was swept out of the queues, and those behind it waited"),
    (7_018_867, "nothing was forgotten by itself while one asked for others to be forgotten"),
    (7_019_656, "a newcomer went before a task that waited for the same permit"),
    (9_014_003, "a run was recovered without the failed items of a list at work"),
    (21_001_876, "what passed a gateway from an error handler was told as null"),
    (21_013_385, "what had been let go to try for a permit kept more urgent work from it"),
    (21_016_670, "a suspect that had ended while a rate held it back kept its worker clear"),
    (51_038_952, "a suspect that had ended in its line kept its worker clear"),
    (51_039_216, "what was cancelled while it waited was recovered before its turn"),
    (61_008_083, "what its decision had passed over was recovered and run"),
    (62_004_138, "a recovered task that ended at once left its run waiting for its error handler"),
];

#[test]
fn the_canary_is_seen() {
    let outcome = campaign::run(&Campaign::canary());

    let seen = outcome.failures.first().map(|(_, failure)| failure.invariant);
    assert_eq!(seen, Some("canary: no run ever completes"));
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    for seed in 0..8 {
        let (first, second) = (campaign::replay(seed), campaign::replay(seed));

        assert!(first.lines.len() > 10, "seed {seed} tells something");
        assert_eq!(first.lines, second.lines, "seed {seed}");
    }
}

#[test]
fn a_hundred_seeds_find_nothing() {
    let seeds = Campaign { seed_count: 100, span: Duration::MAX, ..Campaign::default() };

    let outcome = campaign::run(&seeds);

    assert_eq!((outcome.tally.seeds, outcome.failures), (100, Vec::new()));
}

#[test]
fn seeds_that_have_found_something_find_nothing_any_more() {
    for (seed, what) in FOUND {
        assert_eq!(campaign::replay(*seed).failure, None, "seed {seed}: {what}");
    }
}
