//! P29: no timer, wait, timeout or deadline comes before its time, and each is as long as it was asked
//! to be.

use pyflow_core::event::{Event, TaskError};

use super::invariant::{Invariant, Judged};
use crate::flows::Work;
use crate::model::Phase;
use crate::world::{Scene, Subject};

#[derive(Debug)]
pub(crate) struct NothingIsEarly;

impl Invariant for NothingIsEarly {
    fn name(&self) -> &'static str {
        "P29 nothing is early"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let at = event.at().0;
        if let Event::RunDeadlineExceeded(exceeded) = event {
            let deadline = scene.model.run(exceeded.run.0).and_then(|run| run.deadline_at);
            return not_before(at, deadline, "a deadline");
        }
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        match event {
            Event::TimerFired(_) | Event::BackoffEnded(_) => match found.entry.phase {
                Phase::Sleeping { until } | Phase::Backoff { until } => {
                    not_before(at, Some(until), event.kind())
                }
                _ if found.run.is_blurred => Ok(()),
                _ => Err(format!("{} of {}", event.kind(), found.name())),
            },
            Event::TimerStarted(started) => timer_is_right(&found, started.until.0),
            Event::TaskRetrying(retrying) => timeout_is_right(scene, &found, &retrying.error, at),
            Event::TaskFailed(failed) => timeout_is_right(scene, &found, &failed.error, at),
            _ => scene.no_opinion(),
        }
    }
}

fn not_before(at: u64, due: Option<u64>, what: &str) -> Judged {
    match due {
        Some(due) if at >= due => Ok(()),
        _ => Err(format!("{what} at {at}, due at {due:?}")),
    }
}

fn timer_is_right(found: &Subject<'_>, until: u64) -> Judged {
    let span_ms = match (&found.task().work, found.item) {
        (Work::Timer { span_ms }, None) => *span_ms,
        (Work::Map { task_type: "timer", .. }, Some(item)) => item as u64 * 1_000,
        _ => return Err(format!("{} is no timer", found.name())),
    };
    let wanted = found.entry.first_ready_at + span_ms;
    if until == wanted || found.run.is_blurred {
        return Ok(());
    }
    Err(format!("{} rings at {until}, not at {wanted}", found.name()))
}

fn timeout_is_right(scene: &Scene, found: &Subject<'_>, error: &TaskError, at: u64) -> Judged {
    if found.run.is_blurred {
        return Ok(());
    }
    let (entry, options) = (found.entry, &found.task().options);
    let after = |since: u64, span_s: Option<u64>| span_s.map(|span_s| since + span_s * 1_000);
    let due = match &*error.error_type {
        "TimeoutError" => {
            let since = entry.lease().map_or(0, |lease| lease.at);
            let default = scene.swarm.default_timeout_ms.map(|span_ms| since + span_ms);
            let own = after(since, options.timeout_s).or(default);
            own.into_iter().chain(after(since, options.heartbeat_timeout_s)).min()
        }
        "QueueTimeout" => {
            // A pause has the wait begin anew.
            after(entry.ready_at.max(found.run.resumed_at), options.queue_timeout_s)
        }
        "TotalTimeout" => after(entry.first_ready_at, options.total_timeout_s),
        _ => return Ok(()),
    };
    not_before(at, due, &format!("{} of {}", error.error_type, found.name()))
}
