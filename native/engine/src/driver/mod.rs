//! The ring's one turning part: requests in, turns through the log, what is safe out.

mod closing;
mod look;
mod progress;
mod queries;
mod reader;
mod release;
mod requests;
mod ring;
mod said;

pub(crate) use closing::POLITE_END;
pub(crate) use ring::{Driver, Parts};
