//! What is asked on the command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::campaign::Campaign;

/// What to do.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Play one seed and tell all of it.
    Replay { seed: u64 },
    /// Play many.
    Campaign { campaign: Campaign, report: Option<PathBuf> },
    /// See that a false claim is seen broken.
    Canary,
    /// Plant each seeded bug in turn and see in which seed it is found.
    Bugs { span: Duration, only: Option<String> },
}

pub const USAGE: &str = "\
usage: pyflow-sim SEED
       pyflow-sim [--first SEED] [--seeds N] [--minutes M] [--report FILE]
       pyflow-sim canary
       pyflow-sim bugs [--minutes M] [--only NAME]    (with --features seeded-bugs)";

const FOR_EVER: Duration = Duration::from_secs(u64::MAX / 4);
/// Without any bound so many seeds are played.
const SEED_COUNT: u64 = 1_000;

/// Reads the words after the program's name; what is wrong is told in the words of the usage.
pub fn read(words: &[String]) -> Result<Wanted, String> {
    let (is_bugs, words) = match words.split_first() {
        Some((first, rest)) if first == "bugs" => (true, rest),
        Some(_) | None => (false, words),
    };
    if let [seed] = words
        && !is_bugs
        && let Ok(seed) = seed.parse()
    {
        return Ok(Wanted::Replay { seed });
    }
    if words == ["canary"] {
        return Ok(Wanted::Canary);
    }
    let mut options = Options::default();
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        options.set(name, value)?;
    }
    Ok(options.wanted(is_bugs))
}

#[derive(Debug, Default)]
struct Options {
    first_seed: u64,
    seed_count: Option<u64>,
    span: Option<Duration>,
    report: Option<PathBuf>,
    only: Option<String>,
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = || format!("{name} cannot be {value}");
        match name {
            "--first" => self.first_seed = value.parse().map_err(|_| wrong())?,
            "--seeds" => self.seed_count = Some(value.parse().map_err(|_| wrong())?),
            "--minutes" => {
                let minutes: f64 = value.parse().map_err(|_| wrong())?;
                self.span = Some(Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| wrong())?);
            }
            "--report" => self.report = Some(value.into()),
            "--only" => self.only = Some(value.into()),
            _ => return Err(format!("{name} is not known")),
        }
        Ok(())
    }

    fn wanted(self, is_bugs: bool) -> Wanted {
        if is_bugs {
            let span = self.span.unwrap_or(Duration::from_mins(10));
            return Wanted::Bugs { span, only: self.only };
        }
        let by_time = if self.span.is_some() { u64::MAX } else { SEED_COUNT };
        let campaign = Campaign {
            first_seed: self.first_seed,
            seed_count: self.seed_count.unwrap_or(by_time),
            span: self.span.unwrap_or(FOR_EVER),
            ..Campaign::default()
        };
        Wanted::Campaign { campaign, report: self.report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn a_number_alone_is_a_seed_to_replay() {
        assert!(matches!(read(&words("42")), Ok(Wanted::Replay { seed: 42 })));
    }

    #[test]
    fn time_bounds_a_campaign_that_names_no_count() {
        let Ok(Wanted::Campaign { campaign, report }) = read(&words("--minutes 0.5 --report r"))
        else {
            panic!("it is a campaign");
        };

        assert_eq!((campaign.seed_count, campaign.span), (u64::MAX, Duration::from_secs(30)));
        assert_eq!(report, Some("r".into()));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for wrong in ["--seeds", "--seeds many", "--sedes 4", "--minutes -1"] {
            assert!(read(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
