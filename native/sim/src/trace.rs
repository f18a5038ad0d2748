//! What a replayed seed tells: one line for each thing that happens.

use std::fmt::Arguments;

/// Lines of a story, or nothing where nobody reads them.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn kept() -> Self {
        Self { lines: Some(Vec::new()) }
    }

    pub(crate) fn silent() -> Self {
        Self { lines: None }
    }

    pub(crate) fn tell(&mut self, line: Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            lines.push(line.to_string());
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
