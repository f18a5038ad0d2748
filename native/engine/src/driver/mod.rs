//! The ring's one turning part: requests in, turns through the log, what is safe out.

mod closing;
mod keeping;
mod lag;
mod look;
mod lost;
mod progress;
mod pruning;
mod queries;
mod reader;
mod release;
mod requests;
mod ring;
mod said;
mod tokens;

pub(crate) use closing::POLITE_END;
pub(crate) use keeping::Trimming;
pub(crate) use pruning::forgotten_by;
pub(crate) use ring::{Driver, Parts};
