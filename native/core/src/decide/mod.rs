//! Deciders: state, a command and the time → what happens, or why nothing does. They cannot write.

mod advance;
mod args;
mod by_command;
mod control_run;
mod control_task;
mod deploy;
mod end_lease;
mod finish;
mod fire;
mod forget_runs;
mod lease;
mod recover;
mod report;
mod said;
mod start_run;
mod view;

pub use advance::{Step, advance, is_for_worker, own_wake, queue_wake, total_wake};
pub use args::{Rendered, RenderedArgs, SecretUse, key_of, render_args};
pub use by_command::{Decision, decide};
pub use finish::finish;
pub use lease::lease;
pub use said::said;
