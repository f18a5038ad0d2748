//! P9: an attempt that failed is tried again as often as its task allows, after the right wait, and
//! not once more.

use pyflow_core::event::{Event, TaskError};

use super::invariant::{Invariant, Judged};
use crate::world::{Scene, Subject};

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
        let Some(found) = scene.subject(event) else { return Ok(()) };
        if found.run.is_blurred {
            return Ok(());
        }
        match event {
            Event::TaskRetrying(retrying) => {
                if may_retry(&found, &retrying.error) && retrying.attempt == found.entry.attempt {
                    let wait_ms = retrying.until.since(retrying.at);
                    return wait_is_right(&found, wait_ms);
                }
                Err(format!("{} is tried again and must not be", found.name()))
            }
            Event::TaskFailed(failed) if is_of_attempt(&found, &failed.error) => {
                if found.run.stop.is_none() && may_retry(&found, &failed.error) {
                    return Err(format!("{} has failed and had retries left", found.name()));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether the failure is that of an attempt, which may be tried again.
fn is_of_attempt(found: &Subject<'_>, error: &TaskError) -> bool {
    let is_retryable = matches!(&*error.error_type, "ValueError" | "TimeoutError");
    is_retryable && found.entry.lease().is_some()
}

fn may_retry(found: &Subject<'_>, error: &TaskError) -> bool {
    let done = found.entry.attempt - found.entry.first_attempt;
    done < found.task().options.max_retries
        && error.retryable != Some(false)
        && !found.task().options.at_most_once
}

fn wait_is_right(found: &Subject<'_>, wait_ms: u64) -> Judged {
    let done = found.entry.attempt - found.entry.first_attempt;
    let plain_ms = (BASE_MS << done.min(20)).min(LONGEST_MS);
    let vary_ms = plain_ms * JITTER_PERCENT / 100 + 1;
    if (plain_ms - vary_ms..=plain_ms + vary_ms).contains(&wait_ms) {
        return Ok(());
    }
    Err(format!("{} waits {wait_ms} ms before retry {}", found.name(), done + 1))
}
