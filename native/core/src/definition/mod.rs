//! Definitions: a graph of tasks as its author gives it, checked once and indexed for running.
//!
//! document or columns → `Draft` → `Definition::compile` → the graph that runs, or every problem.

mod arguments;
mod assemble;
mod bind;
mod compile;
mod compiled;
mod defaults;
mod document;
mod draft;
mod inspect;
mod kinds;
mod lists;
mod options;
mod problem;
mod reads;
mod stored;
mod texts;

pub use compiled::{Arg, Branch, Definition, Filled, Handler, Kind};
pub use document::{definition_of_document, draft_from_document};
pub use draft::{Draft, DraftArg, DraftBranch, DraftHandler};
pub use options::{Delivery, Join, KeyTemplate, Priority, RateLimit, TaskOptions};
pub use problem::Problem;
pub use texts::Texts;
