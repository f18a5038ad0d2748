//! From a command to those who decide it.

use super::{control_run, control_task, deploy, end_lease, fire, forget_runs, report, start_run};
use crate::command::Command;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::state::State;
use crate::time::Millis;

/// What a command leads to.
pub type Decision = Result<Vec<Event>, Rejection>;

/// Decides a command.
pub fn decide(state: &State, command: &Command, now: Millis) -> Decision {
    match command {
        Command::DeployDefinition(command) => deploy::decide(state, command, now),
        Command::StartRun(command) => start_run::decide(state, command, now),
        Command::StartRuns(commands) => start_run::decide_all(state, commands, now),
        Command::ControlRun(command) => control_run::decide(state, command, now),
        Command::ControlTask(command) => control_task::decide(state, command, now),
        Command::Report(command) => report::decide(state, command, now),
        Command::EndLease(command) => end_lease::decide(state, command, now),
        Command::Fire(wake) => fire::decide(state, *wake, now),
        Command::TimeOut(command) => fire::time_out(state, command, now),
        Command::ForgetRuns(command) => Ok(forget_runs::decide(state, command, now)),
    }
}
