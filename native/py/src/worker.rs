//! The inner loop of a worker: the first steps of granted attempts, run one after the other.

mod attempt;
mod binding;
mod calls;
mod copies;
mod invoke;
mod reports;
mod stage;
mod stepper;
mod tools;

pub(crate) use attempt::Attempt;
pub(crate) use calls::Calls;
pub(crate) use reports::{Report, Reports};
pub(crate) use stage::Stage;
pub(crate) use stepper::{Batch, Stepper};
