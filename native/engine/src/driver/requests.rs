//! Each request, as far as it is not a look.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{
    Command, ControlRun, ControlTask, DeployDefinition, Outcome, RunVerb, StartRun, TaskVerb,
};
use pyflow_core::definition::Definition;
use pyflow_core::effect::{Answer, Ticket};
use pyflow_core::event::LeaseEnd;
use pyflow_core::ids::{SessionId, looks_generated};
use pyflow_core::lifecycle::RunState;
use pyflow_core::rejection::Rejection;
use pyflow_core::time::Millis;
use pyflow_store::read_model::RunRow;

use super::ring::Driver;
use crate::fault::Refusal;
use crate::out::Out;
use crate::request::{AttemptReport, Look, Query, ReportKind, Request};
use crate::watch::Watcher;

impl Driver {
    pub(super) fn take(&mut self, request: Request, now: Millis) {
        if let (Some(fault), Some(ticket)) = (&self.fault, request.ticket())
            && !matches!(request, Request::Look { .. })
        {
            let fault = fault.clone();
            return self.refuse(ticket, fault);
        }
        if let (Some(_), Request::Report { session, reports }) = (&self.fault, &request) {
            // They wait until there is room again.
            let session = SessionId(*session);
            return reports.iter().for_each(|report| self.keep_for_later(session, report));
        }
        match request {
            Request::Deploy { ticket, definition, stored } => {
                self.deploy(ticket, definition, stored, now);
            }
            Request::Start { ticket, start } => self.start(ticket, start, now),
            Request::StartMany { ticket, starts } => {
                self.shard.handle(&Command::StartRuns(starts), Some(Ticket(ticket)), now);
            }
            Request::ControlRun { ticket, control } => self.control_run(ticket, control, now),
            Request::ControlTask { ticket, control } => self.control_task(ticket, control, now),
            Request::RecoverRun { ticket, run_id } => self.recover_run(ticket, &run_id, now),
            // The turn at hand may have a part in what is asked for later.
            Request::Look { ticket, look: Look::Query(Query::Position), after: None } => {
                let answer = Ok(self.released_position());
                self.out.push(Out::Reply { ticket, answer });
            }
            Request::Look { ticket, look, after } => self.looks.push((ticket, look, after)),
            Request::Forget { ticket } => self.forget(ticket),
            Request::OpenSession { session, slots } => {
                self.shard.open_session(SessionId(session), slots);
            }
            Request::SetTypes { session, types } => {
                self.shard.set_types(SessionId(session), types);
            }
            Request::DrainSession { session } => self.shard.drain_session(SessionId(session)),
            Request::Report { session, reports } => {
                for report in reports {
                    self.unkept.push((SessionId(session), report.clone()));
                    self.report(SessionId(session), report, now);
                }
            }
        }
    }

    /// Answers the looks that were asked for during the turn that is safe now.
    pub(super) fn take_looks(&mut self, now: Millis) {
        if let Some(fault) = self.untold() {
            return self.refuse_looks(&fault);
        }
        self.take_early();
        for asked in std::mem::take(&mut self.looks) {
            let Some((ticket, look)) = self.look_in_time(asked) else { continue };
            match look {
                Look::Result { run_id } => self.wait_result(ticket, &run_id),
                Look::Watch { run_id, after, limit, is_bounded } => {
                    let watcher = Watcher { ticket, after, limit, is_bounded };
                    self.watch(run_id.as_deref(), watcher);
                }
                Look::Prune { before_ms } => self.prune(ticket, before_ms),
                Look::Query(query) => {
                    let answer = self.query(query, now);
                    self.out.push(Out::Reply { ticket, answer });
                }
            }
        }
    }

    fn prune(&mut self, ticket: u64, before_ms: u64) {
        match &self.fault {
            Some(fault) => self.refuse(ticket, fault.clone()),
            None if self.read_only => self.refuse(ticket, Refusal::read_only()),
            None => self.pruning.ask(ticket, before_ms),
        }
    }

    fn deploy(&mut self, ticket: u64, definition: Arc<Definition>, stored: Bytes, now: Millis) {
        let hash = definition.hash;
        let is_new = self.shard.state().definition(&hash).is_none();
        self.shard.state_mut().learn(definition.clone());
        if is_new {
            self.shard.keep(hash.0, stored);
        }
        let command = DeployDefinition { namespace: self.namespace.clone(), definition };
        self.shard.handle(&Command::DeployDefinition(command), Some(Ticket(ticket)), now);
    }

    fn start(&mut self, ticket: u64, start: Box<StartRun>, now: Millis) {
        if let Err(refusal) = self.must_be_free(&start) {
            return self.refuse(ticket, refusal);
        }
        self.shard.handle(&Command::StartRun(start), Some(Ticket(ticket)), now);
    }

    /// A chosen id must not be one that was generated for a run that has ended since.
    fn must_be_free(&mut self, start: &StartRun) -> Result<(), Refusal> {
        let may_be_taken = start.chosen && looks_generated(&start.run_id);
        if may_be_taken && self.row(&start.run_id).is_ok() {
            return Err(Rejection::RunExists { run_id: start.run_id.clone() }.into());
        }
        Ok(())
    }

    fn control_run(&mut self, ticket: u64, control: ControlRun, now: Millis) {
        match self.ended(&control.run_id) {
            Ok(None) => self.shard.handle(&Command::ControlRun(control), Some(Ticket(ticket)), now),
            Ok(Some(row)) if is_as_asked(&control.verb, &row) => {
                self.answer(ticket, Ok(Answer::Done));
            }
            Ok(Some(row)) => self.refuse(ticket, has_ended(&row)),
            Err(refusal) => self.refuse(ticket, refusal),
        }
    }

    /// The row of a run that has ended and left memory; none for one that is in memory.
    fn ended(&mut self, run_id: &str) -> Result<Option<RunRow>, Refusal> {
        match self.live_number(run_id) {
            Some(_) => Ok(None),
            None => self.row(run_id).map(Some),
        }
    }

    /// A run that is not live is refused with the state that it ended in.
    fn must_be_live(&mut self, run_id: &str) -> Result<(), Refusal> {
        self.ended(run_id)?.map_or(Ok(()), |row| Err(has_ended(&row)))
    }

    fn control_task(&mut self, ticket: u64, control: ControlTask, now: Millis) {
        let brought_back = match control.verb {
            TaskVerb::Recover => self.bring_back(&control.run_id, Some(&control.task_id)),
            TaskVerb::Cancel => self.must_be_live(&control.run_id),
        };
        if let Err(refusal) = brought_back {
            return self.refuse(ticket, refusal);
        }
        self.shard.handle(&Command::ControlTask(control), Some(Ticket(ticket)), now);
    }

    fn recover_run(&mut self, ticket: u64, run_id: &Arc<str>, now: Millis) {
        if let Err(refusal) = self.bring_back(run_id, None) {
            return self.refuse(ticket, refusal);
        }
        let (namespace, run_id, verb) = (self.namespace.clone(), run_id.clone(), RunVerb::Recover);
        let control = ControlRun { namespace, run_id, verb };
        self.shard.handle(&Command::ControlRun(control), Some(Ticket(ticket)), now);
    }

    pub(super) fn wait_result(&mut self, ticket: u64, run_id: &str) {
        let live = self.shard.state().run_by_id(&self.namespace, run_id);
        if let Some(run) = live.filter(|run| !run.state().is_terminal()) {
            self.waiters.entry(run.number()).or_default().push(ticket);
            return;
        }
        if let Some(end) = live.and_then(crate::rows::end_of) {
            return self.out.push(Out::Reply { ticket, answer: end });
        }
        let answer = self.row(run_id).and_then(|row| {
            crate::rows::end_of_row(&row).unwrap_or_else(|| Err(Refusal::run_unknown(run_id)))
        });
        self.out.push(Out::Reply { ticket, answer });
    }

    fn forget(&mut self, ticket: u64) {
        self.looks.retain(|(other, _, _)| *other != ticket);
        self.early.retain(|early| early.ticket != ticket);
        self.pruning.forget_ticket(ticket);
        self.watchers.forget(ticket);
        self.waiters.retain(|_, tickets| {
            tickets.retain(|other| *other != ticket);
            !tickets.is_empty()
        });
    }

    pub(super) fn report(&mut self, session: SessionId, report: AttemptReport, now: Millis) {
        let handle = report.handle;
        match report.kind {
            ReportKind::Completed(output) => {
                self.shard.report(session, handle, Outcome::Completed { output }, now);
            }
            ReportKind::Failed(error) => {
                self.shard.report(session, handle, Outcome::Failed { error }, now);
            }
            ReportKind::Cancelled => self.shard.report(session, handle, Outcome::Cancelled, now),
            ReportKind::Returned => {
                self.shard.give_back(session, handle, (LeaseEnd::Returned, None), now);
            }
            ReportKind::WorkerDied(message) => {
                let cause = (LeaseEnd::WorkerDied, Some(message));
                self.shard.give_back(session, handle, cause, now);
            }
            ReportKind::Heartbeat(details) => self.shard.heartbeat(session, handle, details, now),
            ReportKind::Said(lines) => self.shard.say(session, handle, lines, now),
            ReportKind::Progress(progress) => self.shard.progress(session, handle, progress, now),
        }
    }
}

/// Whether a run has ended in the very state that is asked for: as in memory, that changes nothing.
fn is_as_asked(verb: &RunVerb, row: &RunRow) -> bool {
    match verb {
        RunVerb::Cancel { .. } => row.status == RunState::Cancelled.name(),
        RunVerb::Pause | RunVerb::Resume | RunVerb::Recover => false,
    }
}

fn has_ended(row: &RunRow) -> Refusal {
    let (run_id, state) = (&row.run_id, &row.status);
    let message = format!("run {run_id} is {state}; it has ended");
    let fields = serde_json::json!({"run_id": run_id, "state": state, "message": message});
    Refusal::new("PF1104", fields)
}
