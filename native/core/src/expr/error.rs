//! The one refusal of this room: a bad source, a failed evaluation, or too dear a one.

use std::fmt;

/// Which of the three refusals it is; each has a page in `docs/errors/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExprCode {
    /// The source cannot be compiled (PF1301).
    Invalid,
    /// The source is good, the data at hand is not (PF1302).
    Failed,
    /// The evaluation needs more steps or memory than it may take (PF1303).
    CostExceeded,
}

impl ExprCode {
    /// The stable code, `PFnnnn`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "PF1301",
            Self::Failed => "PF1302",
            Self::CostExceeded => "PF1303",
        }
    }
}

/// Why an expression, a template or a transformation was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    pub code: ExprCode,
    /// What was wanted, what was found and what to do.
    pub message: String,
    /// Byte offset in the source (for a template: in the string that holds the expression).
    pub at: Option<usize>,
    /// Which part of a template or of parameters it is, as `.data.rows[0]`; empty for the whole.
    pub place: String,
    /// As `at`, in characters, where the string that holds the expression was at hand.
    pub column: Option<usize>,
    /// True where a field, an element or an output is simply not there: what `has` asks.
    absent: bool,
}

impl ExprError {
    /// An error of `code` without a place.
    pub fn new(code: ExprCode, message: impl Into<String>) -> Self {
        let (place, column) = (String::new(), None);
        Self { code, message: message.into(), at: None, place, column, absent: false }
    }

    pub(super) fn invalid(message: impl Into<String>, at: usize) -> Self {
        Self { at: Some(at), ..Self::new(ExprCode::Invalid, message) }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(ExprCode::Failed, message)
    }

    pub(super) fn absent(message: impl Into<String>) -> Self {
        Self { absent: true, ..Self::failed(message) }
    }

    /// Give the error a place unless an inner node gave it one.
    pub(super) fn placed(mut self, at: usize) -> Self {
        self.at.get_or_insert(at);
        self
    }

    /// Say which part of a larger thing cannot be compiled: `.name` or `[0]`.
    pub(super) fn in_part(mut self, step: &str) -> Self {
        self.place.insert_str(0, step);
        self
    }

    /// Count the place in the characters of `text`, the string that holds the expression.
    #[must_use]
    pub fn in_text(mut self, text: &str) -> Self {
        let before = self.at.and_then(|at| text.get(..at));
        self.column = self.column.or_else(|| before.map(|before| before.chars().count()));
        self
    }

    /// Say in which part of a larger thing it happened.
    pub(super) fn within(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Say which expression it was, where that is short.
    pub(super) fn in_source(mut self, source: &str) -> Self {
        if source.len() <= 64 {
            self.message = format!("{} in `${{{source}}}`", self.message);
        }
        self
    }

    /// Compiling answers with one code, whatever was wrong with the text.
    pub(super) fn made_invalid(mut self) -> Self {
        self.code = ExprCode::Invalid;
        self
    }

    /// Move the place, from the start of an expression to the start of what holds it.
    pub(super) fn moved(mut self, by: usize) -> Self {
        self.at = Some(by + self.at.unwrap_or_default());
        self
    }

    pub(super) const fn is_absent(&self) -> bool {
        self.absent
    }

    /// Whether `||`, `&&` and `coalesce` may look past it: the budget is never looked past.
    pub(super) fn is_final(&self) -> bool {
        self.code == ExprCode::CostExceeded
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place.trim_start_matches('.'))?;
        }
        write!(f, "{}", self.message)?;
        if let Some(at) = self.at {
            write!(f, " at byte {at}")?;
        }
        write!(f, " ({})", self.code.code())
    }
}

impl std::error::Error for ExprError {}
