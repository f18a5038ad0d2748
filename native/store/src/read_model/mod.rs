//! The read model: one row per run, in a second file, with the position of the log that it has applied.
//!
//! It is derived. A file that is missing, damaged or of another format is made anew, empty, and its owner
//! rebuilds it; so is one whose position is past the log's head. One that knows a position past the head to
//! have been durable proves that the log has lost something.

mod list;
mod lookup;
mod model;
mod row;
mod schema;

pub use list::{EndedFilter, ListFilter, ListPage};
pub use lookup::{Lookup, RunSelector};
pub use model::ReadModel;
pub use row::RunRow;
