//! `pyflow-sim`: plays seeds, or one of them aloud.

use std::io::Write;
use std::process::ExitCode;

use pyflow_sim::campaign::{self, Campaign};
use pyflow_sim::options::{self, Wanted};
use pyflow_sim::report;

/// What is told when the words on the command line are not understood.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        say(options::USAGE);
        return ExitCode::SUCCESS;
    }
    match options::read(&words) {
        Ok(Wanted::Replay { seed }) => replay(seed),
        Ok(Wanted::Campaign { campaign, report }) => play(&campaign, report.as_deref()),
        Ok(Wanted::Canary) => canary(),
        Ok(Wanted::Bugs { span, only }) => bugs(span, only.as_deref()),
        Err(problem) => {
            say(&format!("{problem}\n{}", options::USAGE));
            ExitCode::from(MISUSED)
        }
    }
}

/// Tells a line; a reader that has left is no failure.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn replay(seed: u64) -> ExitCode {
    let told = campaign::replay(seed);
    told.lines.iter().for_each(|line| say(line));
    match told.failure {
        None => {
            say(&format!("seed {seed}: nothing is wrong"));
            ExitCode::SUCCESS
        }
        Some(failure) => {
            say(&format!("seed {seed} fails: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn play(campaign: &Campaign, report: Option<&std::path::Path>) -> ExitCode {
    let outcome = campaign::run(campaign);
    let page = report::page(&outcome);
    say(&page);
    if let Some(path) = report
        && let Err(error) = std::fs::write(path, &page)
    {
        say(&format!("{} cannot be written: {error}", path.display()));
        return ExitCode::from(MISUSED);
    }
    if outcome.tally.seeds > 0 && outcome.failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

/// A false claim must be seen broken.
fn canary() -> ExitCode {
    let outcome = campaign::run(&Campaign::canary());
    let Some((seed, failure)) = outcome.failures.first() else {
        say("the canary was not seen: the simulator sees nothing");
        return ExitCode::FAILURE;
    };
    say(&format!("the canary was seen in seed {seed}: {failure}"));
    ExitCode::SUCCESS
}

#[cfg(feature = "seeded-bugs")]
fn bugs(span: std::time::Duration, only: Option<&str>) -> ExitCode {
    let found = pyflow_sim::seeded::look_for(span, only, |one| say(&one.to_string()));
    let caught = found.iter().filter(|one| one.at.is_some()).count();
    let mut seeds: Vec<u64> =
        found.iter().filter(|one| one.at.is_some()).map(|one| one.seeds).collect();
    seeds.sort_unstable();
    let median = seeds.get(seeds.len() / 2).copied().unwrap_or(0);
    say(&format!("{caught} of {} found, the median after {median} seeds", found.len()));
    if caught == found.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(feature = "seeded-bugs"))]
fn bugs(_span: std::time::Duration, _only: Option<&str>) -> ExitCode {
    say("no bug can be planted in this build; add: --features seeded-bugs");
    ExitCode::from(MISUSED)
}
