//! What must hold of every event and of every move, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use pyflow_core::definition::{Delivery, Kind};
use pyflow_core::event::{Event, LeaseEnd};
use pyflow_core::ids::{InstanceIndex, RunNumber, token};
use pyflow_core::lifecycle::{RUN_MOVES, RunState, TASK_MOVES, TaskInput, TaskState};
use pyflow_core::state::{Moved, Run, State};

type Instance = (RunNumber, InstanceIndex);

/// What is remembered of the past to judge the present by.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// Events counted by hand.
    counts: BTreeMap<RunNumber, u64>,
    tokens: BTreeMap<Instance, u64>,
    words: BTreeMap<Instance, TaskState>,
    run_words: BTreeMap<RunNumber, RunState>,
    /// Runs whose stop was recorded.
    stopped: BTreeSet<RunNumber>,
    /// In this generation: what was opened, and how often what may be handed out once was.
    opened: BTreeMap<Instance, u32>,
    handed_once: BTreeSet<(Instance, u32)>,
    /// What is in workers' hands, as the events say.
    leased: BTreeSet<Instance>,
}

impl Rules {
    /// Judges an event that `state` has just taken in.
    pub(crate) fn event(&mut self, state: &State, event: &Event) {
        let Some(number) = event.run() else { return };
        let run = state.run(number).expect("a run is live while it has events");
        let count = self.counts.entry(number).or_default();
        *count += 1;
        assert_eq!(run.event_count(), *count, "a history has no gap: {event:?}");
        match event {
            Event::RunCancelRequested(_) | Event::RunDeadlineExceeded(_) => {
                self.stopped.insert(number);
            }
            Event::RunReopened(_) => {
                self.stopped.remove(&number);
                self.opened.retain(|(run, _), _| *run != number);
            }
            Event::TaskRecovered(_) => self.opened.retain(|(run, _), _| *run != number),
            Event::TaskLeased(leased) => {
                assert!(!self.stopped.contains(&number), "a stopped run starts nothing: {event:?}");
                assert_eq!(run.state(), RunState::Running, "{event:?}");
                let instance = (number, leased.instance);
                let token = token(leased.epoch, leased.grant);
                let before = self.tokens.insert(instance, token);
                assert!(before.is_none_or(|before| before < token), "tokens grow: {event:?}");
                self.delivered_once(run, leased.instance);
                assert!(self.leased.insert(instance), "it was leased already: {event:?}");
            }
            Event::TaskCompleted(_)
            | Event::TaskRetrying(_)
            | Event::TaskQuarantined(_)
            | Event::LeaseEnded(_)
            | Event::TaskFailed(_)
            | Event::TaskCancelled(_) => self.lease_ended(run, event),
            Event::DefinitionDeployed(_)
            | Event::RunsForgotten(_)
            | Event::RunCreated(_)
            | Event::RunStarted(_)
            | Event::RunPaused(_)
            | Event::RunResumed(_)
            | Event::RunCompleted(_)
            | Event::RunFailed(_)
            | Event::RunCancelled(_)
            | Event::TaskSkipped(_)
            | Event::TaskCancelRequested(_)
            | Event::DecisionTaken(_)
            | Event::GatewayPassed(_)
            | Event::MapExpanded(_)
            | Event::TimerStarted(_)
            | Event::TimerFired(_)
            | Event::BackoffEnded(_)
            | Event::TaskSaid(_) => {}
        }
    }

    /// What a worker reports is recorded once for each time that it was handed out.
    fn lease_ended(&mut self, run: &Run, event: &Event) {
        let instance = event.instance().expect("it is an event of a task");
        if let Event::LeaseEnded(ended) = event
            && ended.cause == LeaseEnd::Returned as u8
        {
            // Its worker had not begun it.
            let attempt = run.attempt(instance);
            self.handed_once.remove(&((run.number(), instance), attempt));
        }
        let was_leased = self.leased.remove(&(run.number(), instance));
        let is_map = run.map(instance).is_some();
        let is_activity = run.definition().kind(run.task_of(instance)) == Kind::Activity;
        // What has not begun can fail or be cancelled; nothing else can happen to it.
        let needs_lease = !matches!(event, Event::TaskFailed(_) | Event::TaskCancelled(_));
        assert!(was_leased || !is_activity || is_map || !needs_lease, "{event:?}");
    }

    fn delivered_once(&mut self, run: &Run, instance: InstanceIndex) {
        let task = run.task_of(instance);
        assert_eq!(run.definition().kind(task), Kind::Activity);
        if run.definition().options(task).delivery == Delivery::AtMostOnce {
            // A recover asks for another attempt by name.
            let attempt = run.active(instance).expect("it was leased just now").attempt;
            let is_first = self.handed_once.insert(((run.number(), instance), attempt));
            assert!(is_first, "{} was handed out twice", run.instance_id(instance));
        }
    }

    /// Judges the moves of a turn by the transition tables.
    pub(crate) fn moves(&mut self, moves: &[Moved]) {
        for moved in moves {
            match *moved {
                Moved::Run { run, to } => {
                    let from = self.run_words.insert(run, to);
                    let known = |from| RUN_MOVES.iter().any(|row| row.0 == from && row.2 == to);
                    let is_first = from.is_none() && to == RunState::Created;
                    assert!(is_first || from.is_some_and(known), "run {run}: {from:?} -> {to:?}");
                }
                Moved::Task { run, instance, to } => self.task_moved((run, instance), to),
                Moved::Grown { .. } => {}
            }
        }
    }

    fn task_moved(&mut self, instance: Instance, to: TaskState) {
        let from = self.words.insert(instance, to).unwrap_or(TaskState::Pending);
        let mut inputs = TASK_MOVES.iter().filter(|row| row.0 == from && row.2 == to);
        let input = inputs.next().map(|row| row.1);
        assert!(input.is_some(), "{instance:?}: {from:?} -> {to:?}");
        if input == Some(TaskInput::Opened) {
            let count = self.opened.entry(instance).or_default();
            *count += 1;
            assert_eq!(*count, 1, "{instance:?} opened twice in one generation");
        }
    }

    /// Compares the words that were shown with the state that they show.
    pub(crate) fn words(&self, state: &State) {
        for run in state.runs() {
            assert_eq!(self.run_words[&run.number()], run.state());
            for instance in (0..run.instance_count() as u32).map(InstanceIndex) {
                let shown = self.words.get(&(run.number(), instance));
                let shown = shown.copied().unwrap_or(TaskState::Pending);
                assert_eq!(Some(shown), run.task_state(instance), "{}", run.instance_id(instance));
            }
        }
    }
}
