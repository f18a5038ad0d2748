//! The states of a run and of a task, and the only moves between them.

use std::fmt::Write;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RunState {
    Created = 0,
    Running = 1,
    Paused = 2,
    Cancelling = 3,
    Completed = 5,
    Failed = 6,
    Cancelled = 7,
}

/// What moves a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunInput {
    Started,
    Paused,
    Resumed,
    /// Resumed before it was ever admitted: it waits for its turn again.
    ResumedUnstarted,
    CancelRequested,
    Completed,
    Failed,
    Cancelled,
    Reopened,
}

/// The state of a task's instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TaskState {
    Pending = 0,
    Ready = 1,
    Leased = 2,
    Backoff = 3,
    Waiting = 4,
    Completed = 5,
    Failed = 6,
    Cancelled = 7,
    Skipped = 8,
    Quarantined = 9,
}

/// What moves a task's instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskInput {
    Opened,
    Leased,
    Suspended,
    Finished,
    Failed,
    Retried,
    BackoffEnded,
    LeaseEnded,
    Skipped,
    Cancelled,
    Quarantined,
    /// It is done anew, or what stood before it is: it waits again.
    Reopened,
    /// A map of which items are done anew.
    ItemsReopened,
}

use RunInput as Ri;
use RunState as Rs;
use TaskInput as Ti;
use TaskState as Ts;

#[rustfmt::skip] // The columns carry the meaning.
pub const RUN_MOVES: &[(RunState, RunInput, RunState)] = &[
    (Rs::Created,    Ri::Started,          Rs::Running),
    (Rs::Created,    Ri::Paused,           Rs::Paused),
    (Rs::Created,    Ri::CancelRequested,  Rs::Cancelling),
    (Rs::Running,    Ri::Paused,           Rs::Paused),
    (Rs::Running,    Ri::CancelRequested,  Rs::Cancelling),
    (Rs::Running,    Ri::Completed,        Rs::Completed),
    (Rs::Running,    Ri::Failed,           Rs::Failed),
    (Rs::Paused,     Ri::Resumed,          Rs::Running),
    (Rs::Paused,     Ri::ResumedUnstarted, Rs::Created),
    (Rs::Paused,     Ri::CancelRequested,  Rs::Cancelling),
    (Rs::Cancelling, Ri::Cancelled,        Rs::Cancelled),
    (Rs::Cancelling, Ri::Failed,           Rs::Failed),
    (Rs::Failed,     Ri::Reopened,         Rs::Running),
];

#[rustfmt::skip] // The columns carry the meaning.
pub const TASK_MOVES: &[(TaskState, TaskInput, TaskState)] = &[
    (Ts::Pending,      Ti::Opened,        Ts::Ready),
    (Ts::Pending,      Ti::Skipped,       Ts::Skipped),
    (Ts::Pending,      Ti::Cancelled,     Ts::Cancelled),
    (Ts::Ready,        Ti::Leased,        Ts::Leased),
    (Ts::Ready,        Ti::Suspended,     Ts::Waiting),
    (Ts::Ready,        Ti::Finished,      Ts::Completed),
    (Ts::Ready,        Ti::Failed,        Ts::Failed),
    (Ts::Ready,        Ti::Retried,       Ts::Backoff),
    (Ts::Ready,        Ti::Skipped,       Ts::Skipped),
    (Ts::Ready,        Ti::Cancelled,     Ts::Cancelled),
    (Ts::Leased,       Ti::Finished,      Ts::Completed),
    (Ts::Leased,       Ti::Failed,        Ts::Failed),
    (Ts::Leased,       Ti::Retried,       Ts::Backoff),
    (Ts::Leased,       Ti::LeaseEnded,    Ts::Ready),
    (Ts::Leased,       Ti::Cancelled,     Ts::Cancelled),
    (Ts::Leased,       Ti::Quarantined,   Ts::Quarantined),
    (Ts::Backoff,      Ti::BackoffEnded,  Ts::Ready),
    (Ts::Backoff,      Ti::Failed,        Ts::Failed),
    (Ts::Backoff,      Ti::Cancelled,     Ts::Cancelled),
    (Ts::Waiting,      Ti::Finished,      Ts::Completed),
    (Ts::Waiting,      Ti::Failed,        Ts::Failed),
    (Ts::Waiting,      Ti::Cancelled,     Ts::Cancelled),
    (Ts::Ready,        Ti::Reopened,      Ts::Pending),
    (Ts::Completed,    Ti::Reopened,      Ts::Pending),
    (Ts::Failed,       Ti::Reopened,      Ts::Pending),
    (Ts::Cancelled,    Ti::Reopened,      Ts::Pending),
    (Ts::Skipped,      Ti::Reopened,      Ts::Pending),
    (Ts::Quarantined,  Ti::Reopened,      Ts::Pending),
    (Ts::Failed,       Ti::ItemsReopened, Ts::Waiting),
    (Ts::Cancelled,    Ti::ItemsReopened, Ts::Waiting),
];

impl RunState {
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Running,
        Self::Paused,
        Self::Cancelling,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Where `input` leads from here, or `None` where the table has no such move.
    pub fn next(self, input: RunInput) -> Option<Self> {
        RUN_MOVES.iter().find(|row| row.0 == self && row.1 == input).map(|row| row.2)
    }

    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == code)
    }
}

impl TaskState {
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Ready,
        Self::Leased,
        Self::Backoff,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
        Self::Quarantined,
    ];

    /// Where `input` leads from here, or `None` where the table has no such move.
    pub fn next(self, input: TaskInput) -> Option<Self> {
        TASK_MOVES.iter().find(|row| row.0 == self && row.1 == input).map(|row| row.2)
    }

    pub fn is_terminal(self) -> bool {
        self as u8 >= Self::Completed as u8
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Backoff => "backoff",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Quarantined => "quarantined",
        }
    }

    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == code)
    }
}

const CANNOT_FAIL: &str = "writing to memory cannot fail";

/// Both tables as Markdown, for the documentation.
pub fn transition_tables() -> String {
    let mut text = String::from("# Transitions\n\nDrawn from the tables that the core runs on.\n");
    text.push_str("\n## Runs\n\n| from | input | to |\n|---|---|---|\n");
    for (from, input, to) in RUN_MOVES {
        writeln!(text, "| {} | {input:?} | {} |", from.name(), to.name()).expect(CANNOT_FAIL);
    }
    text.push_str("\n## Tasks\n\n| from | input | to |\n|---|---|---|\n");
    for (from, input, to) in TASK_MOVES {
        writeln!(text, "| {} | {input:?} | {} |", from.name(), to.name()).expect(CANNOT_FAIL);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_state_and_input_has_at_most_one_move() {
        for (index, row) in RUN_MOVES.iter().enumerate() {
            assert!(!RUN_MOVES[..index].iter().any(|r| (r.0, r.1) == (row.0, row.1)), "{row:?}");
        }
        for (index, row) in TASK_MOVES.iter().enumerate() {
            assert!(!TASK_MOVES[..index].iter().any(|r| (r.0, r.1) == (row.0, row.1)), "{row:?}");
        }
    }

    #[test]
    fn a_terminal_state_is_left_only_into_a_new_generation() {
        for (from, input, _) in RUN_MOVES {
            assert!(!from.is_terminal() || *input == RunInput::Reopened, "{from:?} {input:?}");
        }
        for (from, input, _) in TASK_MOVES {
            let reopens = matches!(input, TaskInput::Reopened | TaskInput::ItemsReopened);
            assert!(!from.is_terminal() || reopens, "{from:?} {input:?}");
        }
    }

    #[test]
    fn every_state_can_be_reached_and_named() {
        for state in TaskState::ALL {
            let reached = TASK_MOVES.iter().any(|row| row.2 == state);
            assert!(reached, "{state:?}");
            assert_eq!(TaskState::from_code(state as u8), Some(state));
        }
        for state in RunState::ALL {
            let reached = RUN_MOVES.iter().any(|row| row.2 == state);
            assert!(reached, "{state:?}");
            assert_eq!(RunState::from_code(state as u8), Some(state));
        }
    }
}
