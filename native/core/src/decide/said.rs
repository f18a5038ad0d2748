//! What an attempt says while it runs.

use super::report::{cut, held};
use crate::command::LeaseRef;
use crate::event::{Event, SaidLine, TaskSaid};
use crate::limits::SAID_LINE_SIZE_MAX;
use crate::state::{Phase, State};
use crate::time::Millis;

/// The record of lines that an attempt has said, the first `count_max` of them; none where there is
/// nothing to keep: of an attempt that is over nothing is.
pub fn said(
    state: &State,
    lease: LeaseRef,
    lines: Vec<SaidLine>,
    (count_max, now): (usize, Millis),
) -> Option<Event> {
    let (_, active) = held(state, lease).ok()?;
    let Phase::Leased { since, .. } = active.phase else { return None };
    // A worker's clock may differ from ours: a line stands between the attempt's start and now.
    let kept = |line: SaidLine| SaidLine {
        at: line.at.clamp(since, now.max(since)),
        text: cut(&line.text, SAID_LINE_SIZE_MAX),
        level: line.level,
    };
    let lines: Vec<SaidLine> = lines.into_iter().take(count_max).map(kept).collect();
    let (run, instance, attempt) = (lease.run, lease.instance, active.attempt);
    (!lines.is_empty()).then(|| TaskSaid { run, instance, attempt, lines, at: now }.into())
}
