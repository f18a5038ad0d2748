//! A shard with all that drives and checks it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{
    Command, ControlRun, ControlTask, DeployDefinition, Outcome, RunVerb, StartRun, TaskVerb,
    Wanted,
};
use pyflow_core::definition::{Definition, draft_from_document};
use pyflow_core::effect::{Answer, Effect, StopReason, Ticket};
use pyflow_core::event::{Event, LeaseEnd, SaidLine, TaskError};
use pyflow_core::ids::{Epoch, RunNumber, SessionId};
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::payload::Payload;
use pyflow_core::rejection::Rejection;
use pyflow_core::schedule::Pool;
use pyflow_core::shard::{Shard, ShardSettings, Turn};
use pyflow_core::state::{Moved, Run, State};
use pyflow_core::time::Millis;
use serde_json::Value;

use super::account;
use super::dice::Dice;
use super::kept::Kept;
use super::rules::Rules;
use super::worker::Given;

pub(crate) const NAMESPACE: &str = "default";
const BEGINNING: Millis = Millis(1_795_000_000_000);

/// The types that a worker of the rig runs, each in its pool.
const TYPES: &[(&str, Pool)] =
    &[("work", Pool::Async), ("other", Pool::Async), ("heavy", Pool::Process)];

pub(crate) struct Rig {
    pub(crate) shard: Shard,
    pub(crate) now: Millis,
    pub(crate) kept: Kept,
    pub(crate) given: Vec<Given>,
    /// What workers have said of in a turn that is not kept yet.
    said: Vec<Given>,
    pub(crate) stops: Vec<(String, StopReason)>,
    pub(crate) ended: Vec<RunNumber>,
    pub(crate) events: Vec<Event>,
    pub(crate) answers: BTreeMap<u64, Result<Answer, Rejection>>,
    /// Two states that are folded from the stored turns beside the live one: one from the first
    /// turn on, one that goes through a checkpoint now and then.
    mirrors: [State; 2],
    rules: Rules,
    dice: Dice,
    numbers: BTreeMap<String, RunNumber>,
    sessions: u32,
    slots: [u32; 3],
    asked: u64,
    /// Whether to look at everything after each turn; large tests do not.
    checks: bool,
    /// Whether commands gather in one turn, until this is unset.
    pub(crate) gathers: bool,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(ShardSettings::default())
    }

    pub(crate) fn with(settings: ShardSettings) -> Self {
        Self::with_slots(settings, [8, 8, 8])
    }

    pub(crate) fn with_slots(settings: ShardSettings, slots: [u32; 3]) -> Self {
        let mut rig = Self {
            shard: Shard::new(State::default(), settings),
            now: BEGINNING,
            kept: Kept::default(),
            given: Vec::new(),
            said: Vec::new(),
            stops: Vec::new(),
            ended: Vec::new(),
            events: Vec::new(),
            answers: BTreeMap::new(),
            mirrors: [State::default(), State::default()],
            rules: Rules::default(),
            dice: Dice::new(1),
            numbers: BTreeMap::new(),
            sessions: 0,
            slots,
            asked: 0,
            checks: true,
            gathers: false,
        };
        rig.connect();
        rig
    }

    /// A rig that looks at nothing, for tests of size.
    pub(crate) fn unchecked(settings: ShardSettings, slots: [u32; 3]) -> Self {
        Self { checks: false, ..Self::with_slots(settings, slots) }
    }

    /// A worker comes, with the rig's slots and types.
    pub(crate) fn connect(&mut self) -> SessionId {
        self.connect_with(self.slots, TYPES)
    }

    pub(crate) fn connect_with(&mut self, slots: [u32; 3], types: &[(&str, Pool)]) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.shard.open_session(session, slots);
        let types = types.iter().map(|(name, pool)| (Arc::from(*name), *pool)).collect();
        self.shard.set_types(session, types);
        self.pump();
        session
    }

    pub(crate) fn compile(document: &Value) -> (Arc<Definition>, Bytes) {
        let draft = draft_from_document(document.to_string().as_bytes())
            .unwrap_or_else(|problems| panic!("{problems:?} in {document}"));
        let compiled = Definition::compile(draft);
        let (definition, stored) =
            compiled.unwrap_or_else(|problems| panic!("{problems:?} in {document}"));
        (Arc::new(definition), stored)
    }

    pub(crate) fn deploy(&mut self, document: &Value) -> Result<Answer, Rejection> {
        let (definition, stored) = Self::compile(document);
        self.kept.keep_definition(definition.hash, &stored);
        let namespace = NAMESPACE.into();
        self.ask(&Command::DeployDefinition(DeployDefinition { namespace, definition }))
    }

    pub(crate) fn start(run_id: &str, name: &str) -> StartRun {
        StartRun::new(NAMESPACE, run_id, Wanted::Name { name: name.into(), version: None })
    }

    /// Deploys a definition and starts one run of it.
    pub(crate) fn run(&mut self, run_id: &str, document: &Value) {
        self.deploy(document).expect("the definition can be deployed");
        let name = document["id"].as_str().expect("a definition has an id");
        self.begin(Self::start(run_id, name)).expect("the run can be started");
    }

    pub(crate) fn begin(&mut self, start: StartRun) -> Result<Answer, Rejection> {
        self.ask(&Command::StartRun(Box::new(start)))
    }

    pub(crate) fn control(&mut self, run_id: &str, verb: RunVerb) -> Result<Answer, Rejection> {
        self.readmit(run_id);
        let (namespace, run_id) = (NAMESPACE.into(), run_id.into());
        self.ask(&Command::ControlRun(ControlRun { namespace, run_id, verb }))
    }

    pub(crate) fn cancel(&mut self, run_id: &str) {
        let reason = "enough".to_string();
        self.control(run_id, RunVerb::Cancel { reason }).expect("the run can be cancelled");
    }

    pub(crate) fn on_task(
        &mut self,
        run_id: &str,
        task_id: &str,
        verb: TaskVerb,
    ) -> Result<Answer, Rejection> {
        self.readmit(run_id);
        let (namespace, run_id, task_id) = (NAMESPACE.into(), run_id.into(), task_id.into());
        self.ask(&Command::ControlTask(ControlTask { namespace, run_id, task_id, verb }))
    }

    pub(crate) fn recover(&mut self, run_id: &str, task_id: &str) {
        let answer = self.on_task(run_id, task_id, TaskVerb::Recover);
        assert_eq!(answer, Ok(Answer::Done), "{task_id} of {run_id}");
    }

    /// Takes a run that has left back, as an engine does before it asks for a recover.
    fn readmit(&mut self, run_id: &str) {
        let Some(number) = self.numbers.get(run_id).copied() else { return };
        if self.shard.state().run(number).is_none() {
            let folded = self.kept.fold_run(number, u64::MAX);
            self.shard.state_mut().readmit(folded, number);
        }
    }

    pub(crate) fn ask(&mut self, command: &Command) -> Result<Answer, Rejection> {
        self.asked += 1;
        self.shard.handle(command, Some(Ticket(self.asked)), self.now);
        self.pump();
        if self.gathers {
            return Ok(Answer::Done); // It is not known yet.
        }
        self.answers.remove(&self.asked).expect("each command is answered in its turn")
    }

    /// Turns the ring until nothing is left to do.
    pub(crate) fn pump(&mut self) {
        if self.gathers && !self.shard.is_full() {
            return;
        }
        loop {
            self.shard.fire_due(self.now);
            let turn = self.shard.end_turn(self.now);
            self.commit(turn);
            self.said.clear();
            if !self.shard.has_work(self.now) {
                break;
            }
        }
        if self.checks {
            account::check(&self.shard, self.now);
        }
    }

    fn commit(&mut self, turn: Turn) {
        if !turn.events.is_empty() {
            self.kept.keep(&turn);
            if self.checks {
                self.check(&turn);
            }
            self.events.extend(turn.events);
        }
        for effect in turn.effects {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { ticket, answer } => drop(self.answers.insert(ticket.0, answer)),
            Effect::Grant(granted) => self.given.push(Given::of(&granted)),
            Effect::StopAttempt { handle, reason, .. } => {
                let mut known = self.given.iter().chain(&self.said);
                // A worker that has left in the same turn does not hear of it.
                let given = known.find(|given| given.handle == handle);
                self.stops.extend(given.map(|given| (given.name.clone(), reason)));
            }
            Effect::Show(Moved::Run { run, to: RunState::Created }) => {
                if let Some(found) = self.shard.state().run(run) {
                    self.numbers.insert(found.run_id().to_string(), run);
                }
            }
            Effect::Show(_) => {}
            Effect::RunEnded { run } => self.ended.push(run),
        }
    }

    fn check(&mut self, turn: &Turn) {
        let events = self.kept.decode(&turn.encoded);
        assert_eq!(events, turn.events, "what is stored is what happened");
        let shown = turn.effects.iter().filter_map(|effect| match effect {
            Effect::Show(moved) => Some(*moved),
            Effect::Reply { .. }
            | Effect::Grant(_)
            | Effect::StopAttempt { .. }
            | Effect::RunEnded { .. } => None,
        });
        let live = self.shard.state().digest();
        let [mirror, restored] = &mut self.mirrors;
        let (rules, mut seen) = (&mut self.rules, Vec::new());
        self.kept.fold_turn(mirror, turn.position, &events, |state, event| {
            rules.event(state, event);
            let moved = state.take_moves();
            rules.moves(&moved);
            seen.extend(moved);
        });
        assert_eq!(seen, shown.collect::<Vec<_>>(), "what is shown is what has moved");
        assert_eq!(mirror.digest(), live, "the log folds into the live state");
        rules.words(mirror);
        self.kept.fold_turn(restored, turn.position, &events, |state, _| drop(state.take_moves()));
        assert_eq!(restored.digest(), live, "a checkpoint and what follows fold into it too");
        if self.dice.chance(30) {
            *restored = self.kept.restored(restored);
            assert_eq!(restored.digest(), live, "a checkpoint is the state");
        }
    }

    pub(crate) fn advance(&mut self, span_ms: u64) {
        self.now = self.now.plus(span_ms);
        self.pump();
    }

    /// Goes to the next time at which something is due by itself; tells whether there is one.
    pub(crate) fn advance_to_wake(&mut self) -> bool {
        let Some(wake) = self.shard.next_wake(self.now) else { return false };
        self.now = self.now.max(wake);
        self.pump();
        true
    }

    /// The process ends, and another takes the store over. Its workers are new.
    pub(crate) fn restart(&mut self, was_polite: bool) {
        let state = self.kept.fold();
        if !self.gathers {
            let live = self.shard.state().digest();
            assert_eq!(state.digest(), live, "the whole log folds into the live state");
        }
        self.gathers = false;
        self.said.clear();
        let settings = self.shard.settings().clone();
        let epoch = Epoch(settings.epoch.0 + 1);
        self.shard = Shard::new(state, ShardSettings { epoch, ..settings });
        self.given.clear();
        self.shard.resume(was_polite, self.now);
        self.pump();
        self.connect();
    }

    /// The turn so far cannot be kept: the shard goes back to what is, and its workers stay.
    pub(crate) fn lose_turn(&mut self) {
        self.gathers = false;
        let lost = self.shard.end_turn(self.now);
        self.given.append(&mut self.said);
        self.shard.fall_back(self.kept.fold(), lost);
        self.shard.go_on(self.now);
        let held = self.shard.sessions();
        self.given.retain(|given| held.find(given.session, given.handle).is_some());
        self.pump();
    }

    /// The attempts of an instance that workers hold.
    pub(crate) fn held(&self, name: &str) -> Option<Given> {
        self.given.iter().find(|given| given.name == name).cloned()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.given.iter().map(|given| given.name.clone()).collect()
    }

    pub(crate) fn report(&mut self, given: &Given, outcome: Outcome) {
        self.let_go(given);
        self.shard.report(given.session, given.handle, outcome, self.now);
        self.pump();
    }

    fn let_go(&mut self, given: &Given) {
        let (gone, kept): (Vec<Given>, Vec<Given>) =
            std::mem::take(&mut self.given).into_iter().partition(|g| g.handle == given.handle);
        self.given = kept;
        self.said.extend(gone);
    }

    fn take(&mut self, name: &str) -> Given {
        let names = self.names();
        self.held(name).unwrap_or_else(|| panic!("{name} is not at work; {names:?} are"))
    }

    pub(crate) fn complete_with(&mut self, name: &str, output: &str) {
        let given = self.take(name);
        let output = Payload::new(Bytes::copy_from_slice(output.as_bytes()));
        self.report(&given, Outcome::Completed { output });
    }

    pub(crate) fn complete(&mut self, name: &str) {
        self.complete_with(name, &format!("{name:?}"));
    }

    pub(crate) fn fail(&mut self, name: &str) {
        let given = self.take(name);
        self.report(&given, Outcome::Failed { error: Box::new(error("ValueError")) });
    }

    pub(crate) fn report_cancelled(&mut self, name: &str) {
        let given = self.take(name);
        self.report(&given, Outcome::Cancelled);
    }

    pub(crate) fn give_back(&mut self, name: &str, cause: LeaseEnd) {
        let given = self.take(name);
        self.lose(&given, cause);
    }

    pub(crate) fn lose(&mut self, given: &Given, cause: LeaseEnd) {
        self.let_go(given);
        self.shard.give_back(given.session, given.handle, (cause, None), self.now);
        self.pump();
    }

    pub(crate) fn close(&mut self, session: SessionId, cause: LeaseEnd) {
        self.given.retain(|given| given.session != session);
        self.shard.close_session(session, cause, self.now);
        self.pump();
    }

    pub(crate) fn heartbeat(&mut self, name: &str, details: &str) {
        let given = self.take(name);
        self.heartbeat_of(&given, details);
    }

    pub(crate) fn heartbeat_of(&mut self, given: &Given, details: &str) {
        let details = Bytes::copy_from_slice(details.as_bytes());
        self.shard.heartbeat(given.session, given.handle, details, self.now);
        self.pump();
    }

    pub(crate) fn say(&mut self, name: &str, texts: &[&str]) {
        let given = self.held(name).expect("it is at work");
        self.say_of(&given, texts);
    }

    pub(crate) fn say_of(&mut self, given: &Given, texts: &[&str]) {
        let line = |text: &&str| SaidLine {
            at: self.now,
            level: "INFO".into(),
            text: (*text).to_string(),
        };
        let lines = texts.iter().map(line).collect();
        self.shard.say(given.session, given.handle, lines, self.now);
        self.pump();
    }

    /// The worker of an attempt dies, as this text says.
    pub(crate) fn die(&mut self, name: &str, message: &str) {
        let given = self.take(name);
        self.let_go(&given);
        let cause = (LeaseEnd::WorkerDied, Some(message.to_string()));
        self.shard.give_back(given.session, given.handle, cause, self.now);
        self.pump();
    }

    /// Every run that was ever created.
    pub(crate) fn run_ids(&self) -> Vec<String> {
        self.numbers.keys().cloned().collect()
    }

    pub(crate) fn number(&self, run_id: &str) -> RunNumber {
        self.numbers[run_id]
    }

    /// Looks at a run, where it is or as its history tells.
    pub(crate) fn look<T>(&self, run_id: &str, read: impl FnOnce(&Run) -> T) -> T {
        let number = self.number(run_id);
        if let Some(run) = self.shard.state().run(number) {
            return read(run);
        }
        let folded = self.kept.fold_run(number, u64::MAX);
        read(folded.run(number).expect("it has a history"))
    }

    pub(crate) fn run_state(&self, run_id: &str) -> RunState {
        self.look(run_id, Run::state)
    }

    pub(crate) fn state(&self, run_id: &str, name: &str) -> TaskState {
        self.look(run_id, |run| {
            let instance = run.find_instance(name).unwrap_or_else(|| panic!("no task {name}"));
            run.task_state(instance).expect("it was found just now")
        })
    }

    pub(crate) fn result(&self, run_id: &str) -> Value {
        self.look(run_id, |run| {
            let result = run.result().expect("the run has completed").json();
            serde_json::from_slice(&result).expect("a result is JSON")
        })
    }

    /// The output of a task of the run `r`.
    pub(crate) fn result_of(&self, name: &str) -> String {
        self.look("r", |run| {
            let instance = run.find_instance(name).expect("the run has the task");
            let output = run.output(instance).expect("its output is kept").json();
            String::from_utf8_lossy(&output).into_owned()
        })
    }

    /// The kind of error that a run has failed with.
    pub(crate) fn error(&self, run_id: &str) -> String {
        self.look(run_id, |run| {
            let failure = run.error().expect("the run has failed");
            failure.error.error_type.to_string()
        })
    }
}

/// An error as a worker reports it.
pub(crate) fn error(error_type: &str) -> TaskError {
    TaskError {
        error_type: error_type.into(),
        kinds: vec![error_type.into(), "Exception".into()],
        message: format!("{error_type} happened"),
        traceback: String::new(),
        retryable: None,
        retry_after_ms: None,
    }
}
