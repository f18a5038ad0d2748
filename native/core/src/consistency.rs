//! How sure an acknowledged write is, and what a read may show.

/// The levels, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Consistency {
    Strong = 0,
    Causal = 1,
    Session = 2,
    MonotonicRead = 3,
    Eventual = 4,
}

pub const NAMES: &str = "strong, causal, session, monotonic_read, eventual";

impl Consistency {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "strong" => Some(Self::Strong),
            "causal" => Some(Self::Causal),
            "session" => Some(Self::Session),
            "monotonic_read" => Some(Self::MonotonicRead),
            "eventual" => Some(Self::Eventual),
            _ => None,
        }
    }

    pub fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Causal,
            2 => Self::Session,
            3 => Self::MonotonicRead,
            4 => Self::Eventual,
            _ => Self::Strong,
        }
    }

    /// Whether a write is acknowledged only once it is synced: all but `eventual`, embedded.
    pub fn is_synced(self) -> bool {
        self != Self::Eventual
    }
}
