//! What a replayed seed tells: one line for each thing that happens.

use std::fmt::Arguments;
use std::sync::mpsc::Sender;

/// Lines of a story, told to who reads them, or nothing where nobody does.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    reader: Option<Sender<String>>,
}

impl Trace {
    pub(crate) fn told_to(reader: Sender<String>) -> Self {
        Self { reader: Some(reader) }
    }

    pub(crate) fn silent() -> Self {
        Self { reader: None }
    }

    pub(crate) fn tell(&mut self, line: Arguments<'_>) {
        if let Some(reader) = &self.reader {
            drop(reader.send(line.to_string())); // It may have heard enough.
        }
    }
}
