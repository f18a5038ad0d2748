//! What clients and workers put at the door.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{ControlRun, ControlTask, RunVerb, StartRun, TaskVerb, Wanted};
use pyflow_core::event::SaidLine;
use pyflow_core::limits::DETAILS_SIZE_MAX;
use pyflow_core::payload::Payload;
use pyflow_core::time::Millis;
use pyflow_engine::{AttemptReport, ListRuns, Look, Query, ReportKind, Request};

use super::judged::World;
use super::ledger::{Ask, Asked, Listing, Start};
use super::workers::{HOW_DIED, Held, Outcome, Sign, Spoken};

const NAMESPACE: &str = "default";
/// More events or runs than a seed makes.
pub(crate) const ALL: usize = 100_000;

impl World {
    /// Asks something of the process, under a ticket.
    pub(crate) fn ask(&mut self, ask: Ask) {
        let before = ask.controlled().and_then(|run_id| self.scene.model.by_id(run_id));
        let before = before.map(|run| Rc::new(run.clone()));
        let ticket = self.scene.ledger.note(Asked {
            ask: ask.clone(),
            at: self.scene.now,
            before,
            deployed_count: self.scene.model.deployed.len(),
            trouble_count: self.scene.trouble_count,
            position: self.scene.model.position,
            answer: None,
            is_lost: false,
        });
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
            Ask::Start(start) => Request::Start { ticket, start: Box::new(self.start_run(start)) },
            Ask::StartMany(starts) => {
                let starts = starts.into_iter().map(|start| self.start_run(start));
                Request::StartMany { ticket, starts: starts.collect() }
            }
            Ask::Pause { run_id } => run(run_id, RunVerb::Pause),
            Ask::Resume { run_id } => run(run_id, RunVerb::Resume),
            Ask::Cancel { run_id, reason } => run(run_id, RunVerb::Cancel { reason }),
            Ask::Recover { run_id } => Request::RecoverRun { ticket, run_id: run_id.into() },
            Ask::CancelTask { run_id, task_id } => task(run_id, task_id, TaskVerb::Cancel),
            Ask::RecoverTask { run_id, task_id } => task(run_id, task_id, TaskVerb::Recover),
            Ask::Result { .. }
            | Ask::Watch { .. }
            | Ask::Status { .. }
            | Ask::Tasks { .. }
            | Ask::History { .. }
            | Ask::Logs { .. }
            | Ask::TaskResult { .. }
            | Ask::Explain { .. }
            | Ask::List
            | Ask::Filter(_)
            | Ask::Prune { .. }
            | Ask::Find { .. }
            | Ask::Definitions
            | Ask::Definition { .. }
            | Ask::Doctor => {
                let after = if let Ask::Status { after, .. } = &ask { *after } else { None };
                Request::Look { ticket, look: look(ask), after }
            }
        }
    }

    fn start_run(&self, start: Start) -> StartRun {
        let Start { run_id, is_chosen, key, flow, flag, extras } = start;
        let given = extras.given(flag);
        let input = given.map_or("{}".into(), |flag| format!("{{\"flag\":{flag}}}"));
        let wanted = Wanted::Hash(self.scene.flows[flow].definition.hash);
        extras.added_to(StartRun {
            chosen: is_chosen,
            key: key.map(Arc::from),
            input: Payload::new(input.into()),
            ..StartRun::new(NAMESPACE, run_id, wanted)
        })
    }

    /// A worker says what became of an attempt.
    pub(crate) fn report(&mut self, held: &Held, outcome: &Outcome) {
        self.scene.trace.tell(format_args!("report {} {outcome:?}", held.handle));
        self.scene.workers.tell(held, outcome);
        let kind = match outcome {
            Outcome::Completed(output) => ReportKind::Completed(Payload::new(output.clone())),
            Outcome::Failed(failing) => ReportKind::Failed(Box::new(failing.error())),
            Outcome::Cancelled => ReportKind::Cancelled,
            Outcome::Returned => ReportKind::Returned,
            Outcome::Died => ReportKind::WorkerDied(HOW_DIED.into()),
        };
        self.say(held, kind);
    }

    pub(crate) fn beat(&mut self, held: &Held) {
        let is_long = self.scene.dice.aside("length of details").chance(20);
        let details: Bytes = if is_long {
            "x".repeat(DETAILS_SIZE_MAX + 1).into()
        } else {
            format!("\"at {}\"", self.scene.now).into()
        };
        self.scene.trace.tell(format_args!("beat {}, {} bytes", held.handle, details.len()));
        // What is too long is a sign of life, and is not kept.
        let kept = Some(details.clone()).filter(|_| !is_long);
        self.note_sign(held, kept, None);
        self.say(held, ReportKind::Heartbeat(details));
    }

    /// A task tells how far it is: a sign of life, and no more.
    pub(crate) fn tell_progress(&mut self, held: &Held, tenths: usize) {
        self.scene.trace.tell(format_args!("progress of {}: {tenths}", held.handle));
        self.note_sign(held, None, Some(tenths));
        self.say(held, ReportKind::Progress(tenths.to_string().into()));
    }

    fn note_sign(&mut self, held: &Held, details: Option<Bytes>, progress: Option<usize>) {
        let (attempt, told_at) = (held.attempt(), self.scene.now);
        self.scene.workers.beats_at_door.push(Sign { attempt, told_at, details, progress });
    }

    /// A task writes lines to its log: a sign of life too.
    pub(crate) fn speak(&mut self, held: &Held, count: usize) {
        self.scene.trace.tell(format_args!("speak {}", held.handle));
        self.note_sign(held, None, None);
        let lines = self.scene.workers.lines.entry(held.attempt()).or_default();
        // A worker's clock may be wrong.
        let at = (self.scene.now + [0, 400, 800][lines.len() / 2 % 3]).saturating_sub(400);
        let text = |n| format!("line {}", lines.len() + n);
        let spoken: Vec<Spoken> = (1..=count).map(|n| Spoken { at, text: text(n) }).collect();
        lines.extend(spoken.iter().cloned());
        let line = |Spoken { at, text }| SaidLine { at: Millis(at), level: "INFO".into(), text };
        let lines = spoken.into_iter().map(line).collect();
        self.say(held, ReportKind::Said(lines));
    }

    fn say(&mut self, held: &Held, kind: ReportKind) {
        let Some(engine) = &self.scene.engine else { return };
        let reports = vec![AttemptReport { handle: held.handle, kind }];
        let request = Request::Report { session: held.session, reports };
        engine.submit(request).expect("what workers say is always taken");
    }
}

fn filter(listing: Listing) -> ListRuns {
    let of_client = listing.of_client.then(|| ("of".to_string(), "a client".to_string()));
    ListRuns {
        status: listing.status.map(String::from),
        definition: listing.name,
        created_by: listing.created_by.map(String::from),
        metadata: of_client.into_iter().collect(),
        limit: listing.limit,
        cursor: listing.cursor.map(|cursor| cursor.to_string()),
    }
}

fn look(ask: Ask) -> Look {
    match ask {
        Ask::Result { run_id } => Look::Result { run_id: run_id.into() },
        Ask::Watch { run_id, after, limit } => {
            Look::Watch { run_id: run_id.map(Arc::from), after, limit, is_bounded: false }
        }
        Ask::Status { run_id, .. } => Look::Query(Query::Status { run_id: run_id.into() }),
        Ask::Tasks { run_id, task_id, state, limit } => {
            let (run_id, state) = (run_id.into(), state.map(String::from));
            Look::Query(Query::Tasks { run_id, task_id, state, limit })
        }
        Ask::History { run_id, after, limit } => {
            let (run_id, after) = (run_id.into(), after as u64);
            Look::Query(Query::History { run_id, after, limit })
        }
        Ask::List => {
            let all = ListRuns { limit: ALL, ..ListRuns::default() };
            Look::Query(Query::ListRuns(Box::new(all)))
        }
        Ask::Filter(listing) => Look::Query(Query::ListRuns(Box::new(filter(listing)))),
        Ask::Logs { run_id, task_id, after, limit } => {
            Look::Query(Query::Logs { run_id: run_id.into(), task_id, after, limit })
        }
        Ask::TaskResult { run_id, task_id } => {
            Look::Query(Query::TaskResult { run_id: run_id.into(), task_id })
        }
        Ask::Explain { run_id } => {
            Look::Query(Query::Explain { run_id: run_id.into(), task_id: None })
        }
        Ask::Prune { before_ms } => Look::Prune { before_ms },
        Ask::Find { text } => Look::Query(Query::FindRun { text }),
        Ask::Definitions => Look::Query(Query::Definitions),
        Ask::Definition { name, version } => Look::Query(Query::Definition { name, version }),
        Ask::Doctor => Look::Query(Query::Doctor),
        Ask::Deploy { .. }
        | Ask::Start(_)
        | Ask::StartMany(_)
        | Ask::Pause { .. }
        | Ask::Resume { .. }
        | Ask::Cancel { .. }
        | Ask::Recover { .. }
        | Ask::CancelTask { .. }
        | Ask::RecoverTask { .. } => unreachable!("it is no look"),
    }
}
