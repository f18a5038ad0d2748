//! What clients and workers put at the door.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{ControlRun, ControlTask, RunVerb, StartRun, TaskVerb, Wanted};
use pyflow_core::event::TaskError;
use pyflow_core::payload::Payload;
use pyflow_engine::{AttemptReport, ListRuns, Look, Query, ReportKind, Request};

use super::judged::World;
use super::ledger::Ask;
use super::workers::{Failing, Held, Outcome};

const NAMESPACE: &str = "default";
/// More events or runs than a seed makes.
const ALL: usize = 100_000;

impl World {
    /// Asks something of the process, under a ticket.
    pub(crate) fn ask(&mut self, ask: Ask) {
        let ticket = self.scene.ledger.note(ask.clone(), self.scene.now);
        self.scene.trace.tell(format_args!("ask {ticket}: {ask:?}"));
        let request = self.request(ticket, ask);
        let Some(engine) = &self.scene.engine else { return };
        if let Err(refusal) = engine.submit(request)
            && let Some(asked) = self.scene.ledger.asked.get_mut(&ticket)
        {
            asked.answer = Some(Err(refusal));
        }
    }

    fn request(&self, ticket: u64, ask: Ask) -> Request {
        let run = |run_id: String, verb| Request::ControlRun {
            ticket,
            control: ControlRun { namespace: NAMESPACE.into(), run_id: run_id.into(), verb },
        };
        let task = |run_id: String, task_id, verb| Request::ControlTask {
            ticket,
            control: ControlTask {
                namespace: NAMESPACE.into(),
                run_id: run_id.into(),
                task_id,
                verb,
            },
        };
        match ask {
            Ask::Deploy { flow } => {
                let drawn = &self.scene.flows[flow];
                let (definition, stored) = (drawn.definition.clone(), drawn.stored.clone());
                Request::Deploy { ticket, definition, stored }
            }
            Ask::Start { run_id, is_chosen, key, flow, flag, extras } => {
                let start = self.start_run(&run_id, key, flow, flag);
                let start = Box::new(StartRun { chosen: is_chosen, ..extras.added_to(start) });
                Request::Start { ticket, start }
            }
            Ask::StartMany { run_ids } => {
                let starts = run_ids.iter().map(|run_id| self.start_run(run_id, None, 0, true));
                Request::StartMany { ticket, starts: starts.collect() }
            }
            Ask::Pause { run_id } => run(run_id, RunVerb::Pause),
            Ask::Resume { run_id } => run(run_id, RunVerb::Resume),
            Ask::Cancel { run_id } => run(run_id, RunVerb::Cancel { reason: "enough".into() }),
            Ask::Recover { run_id } => Request::RecoverRun { ticket, run_id: run_id.into() },
            Ask::CancelTask { run_id, task_id } => task(run_id, task_id, TaskVerb::Cancel),
            Ask::RecoverTask { run_id, task_id } => task(run_id, task_id, TaskVerb::Recover),
            Ask::Result { .. }
            | Ask::Watch { .. }
            | Ask::Status { .. }
            | Ask::Tasks { .. }
            | Ask::History { .. }
            | Ask::List
            | Ask::Doctor => Request::Look { ticket, look: look(ask), after: None },
        }
    }

    fn start_run(&self, run_id: &str, key: Option<String>, flow: usize, flag: bool) -> StartRun {
        let wanted = Wanted::Hash(self.scene.flows[flow].definition.hash);
        StartRun {
            chosen: true,
            key: key.map(Arc::from),
            input: Payload::new(format!("{{\"flag\":{flag}}}").into()),
            ..StartRun::new(NAMESPACE, run_id, wanted)
        }
    }

    /// A worker says what became of an attempt.
    pub(crate) fn report(&mut self, held: &Held, outcome: &Outcome) {
        self.scene.trace.tell(format_args!("report {} {outcome:?}", held.handle));
        self.scene.workers.tell(held, outcome);
        let kind = match outcome {
            Outcome::Completed(output) => ReportKind::Completed(Payload::new(output.clone())),
            Outcome::Failed(failing) => ReportKind::Failed(Box::new(error(*failing))),
            Outcome::Cancelled => ReportKind::Cancelled,
            Outcome::Returned => ReportKind::Returned,
            Outcome::Died => ReportKind::WorkerDied("killed by a signal".into()),
        };
        self.say(held, kind);
    }

    pub(crate) fn beat(&mut self, held: &Held) {
        let details = Bytes::from(format!("\"at {}\"", self.scene.now));
        self.scene.trace.tell(format_args!("beat {} {details:?}", held.handle));
        let told = (self.scene.now, details.clone());
        self.scene.workers.beats_at_door.push((held.attempt(), told));
        self.say(held, ReportKind::Heartbeat(details));
    }

    fn say(&mut self, held: &Held, kind: ReportKind) {
        let Some(engine) = &self.scene.engine else { return };
        let reports = vec![AttemptReport { handle: held.handle, kind }];
        let request = Request::Report { session: held.session, reports };
        engine.submit(request).expect("what workers say is always taken");
    }
}

fn look(ask: Ask) -> Look {
    match ask {
        Ask::Result { run_id } => Look::Result { run_id: run_id.into() },
        Ask::Watch { run_id, after } => {
            Look::Watch { run_id: run_id.map(Arc::from), after, limit: ALL, is_bounded: false }
        }
        Ask::Status { run_id } => Look::Query(Query::Status { run_id: run_id.into() }),
        Ask::Tasks { run_id } => {
            let run_id = run_id.into();
            Look::Query(Query::Tasks { run_id, task_id: None, state: None, limit: ALL })
        }
        Ask::History { run_id } => {
            Look::Query(Query::History { run_id: run_id.into(), after: 0, limit: ALL })
        }
        Ask::List => {
            let all = ListRuns { limit: ALL, ..ListRuns::default() };
            Look::Query(Query::ListRuns(Box::new(all)))
        }
        Ask::Doctor => Look::Query(Query::Doctor),
        Ask::Deploy { .. }
        | Ask::Start { .. }
        | Ask::StartMany { .. }
        | Ask::Pause { .. }
        | Ask::Resume { .. }
        | Ask::Cancel { .. }
        | Ask::Recover { .. }
        | Ask::CancelTask { .. }
        | Ask::RecoverTask { .. } => unreachable!("it is no look"),
    }
}

fn error(failing: Failing) -> TaskError {
    TaskError {
        error_type: failing.error_type.into(),
        kinds: failing.kinds().into_iter().map(Arc::from).collect(),
        message: "it went wrong".into(),
        traceback: String::new(),
        retryable: failing.retryable,
        retry_after_ms: failing.retry_after_ms,
    }
}
