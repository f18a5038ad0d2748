//! P9: an attempt that failed is tried again as often as its task allows, after the right wait, and
//! not once more.

use pyflow_core::event::{Event, TaskError};

use super::invariant::{Invariant, Judged};
use crate::world::{Scene, Subject, kinds_of};

/// The wait before the first retry, the longest, and the share by which each may vary.
const BASE_MS: u64 = 1_000;
const LONGEST_MS: u64 = 60_000;
const JITTER_PERCENT: u64 = 10;

#[derive(Debug)]
pub(crate) struct RetriesAreMade;

impl Invariant for RetriesAreMade {
    fn name(&self) -> &'static str {
        "P9 retries are made"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        if found.run.is_blurred {
            return scene.no_opinion();
        }
        match event {
            Event::TaskRetrying(retrying) => {
                let (error, at) = (&retrying.error, retrying.at.0);
                if may_retry(&found, error, at) && retrying.attempt == found.entry.attempt {
                    return wait_is_right(&found, error, retrying.until.since(retrying.at));
                }
                Err(format!("{} is tried again and must not be", found.name()))
            }
            Event::TaskFailed(failed) if is_of_attempt(&found, &failed.error) => {
                // What ends the budget in the span that a wait may vary by is not foretold.
                let has_budget = found.task().options.retry_budget_s.is_some();
                let may_be = may_retry(&found, &failed.error, failed.at.0) && !has_budget;
                if found.run.stop.is_none() && may_be {
                    return Err(format!("{} has failed and had retries left", found.name()));
                }
                Ok(())
            }
            _ => scene.no_opinion(),
        }
    }
}

/// Whether the failure is that of an attempt, which may be tried again.
fn is_of_attempt(found: &Subject<'_>, error: &TaskError) -> bool {
    let is_retryable = matches!(&*error.error_type, "ValueError" | "KeyError" | "TimeoutError");
    is_retryable && found.entry.lease().is_some()
}

fn may_retry(found: &Subject<'_>, error: &TaskError, at: u64) -> bool {
    let options = &found.task().options;
    let done = found.entry.attempt - found.entry.first_attempt;
    let kinds = kinds_of(&error.error_type);
    let is_kind = |wanted: &str| kinds.contains(&wanted);
    let is_wanted = error.retryable.unwrap_or_else(|| {
        options.retry_on.is_none_or(is_kind) && !options.no_retry_on.is_some_and(is_kind)
    });
    let (least_ms, _) = waits_ms(found, error);
    let ends_at = options.retry_budget_s.map(|s| found.entry.first_ready_at + s * 1_000);
    done < options.max_retries
        && is_wanted
        && !options.at_most_once
        && ends_at.is_none_or(|ends_at| at + least_ms <= ends_at)
}

/// The shortest and the longest wait before the next attempt.
fn waits_ms(found: &Subject<'_>, error: &TaskError) -> (u64, u64) {
    if let Some(asked_ms) = error.retry_after_ms {
        return (asked_ms, asked_ms);
    }
    let done = found.entry.attempt - found.entry.first_attempt;
    let base_ms = found.task().options.base_delay_s.map_or(BASE_MS, |base_s| base_s * 1_000);
    let options = &found.task().options;
    let longest_ms = options.max_delay_s.map_or(LONGEST_MS, |longest_s| longest_s * 1_000);
    let plain_ms = (base_ms << done.min(20)).min(longest_ms);
    let vary_ms = plain_ms * options.jitter_percent.unwrap_or(JITTER_PERCENT) / 100 + 1;
    (plain_ms.saturating_sub(vary_ms), plain_ms + vary_ms)
}

fn wait_is_right(found: &Subject<'_>, error: &TaskError, wait_ms: u64) -> Judged {
    let (least_ms, most_ms) = waits_ms(found, error);
    if (least_ms..=most_ms).contains(&wait_ms) {
        return Ok(());
    }
    Err(format!("{} waits {wait_ms} ms, not {least_ms} to {most_ms}", found.name()))
}
