//! The life of a run as a whole.

use std::sync::Arc;

use super::shift::Moving;
use crate::consistency::Consistency;
use crate::definition::{Definition, Priority};
use crate::event::{
    DefinitionDeployed, RunCancelRequested, RunCancelled, RunCompleted, RunCreated,
    RunDeadlineExceeded, RunFailed, RunPaused, RunResumed, RunStarted, RunsForgotten,
};
use crate::expr::FieldCache;
use crate::ids::{InstanceIndex, RunNumber};
use crate::lifecycle::{RunInput, RunState, TaskInput};
use crate::limits::KEY_KEPT_MS;
use crate::seeded::{Bug, is_planted};
use crate::state::instance::{Ending, Instance, NO_OUTPUT, Phase};
use crate::state::run::Asked;
use crate::state::{Deployed, Failure, Key, Moved, Run, State, Stop};
use crate::time::Millis;

impl State {
    pub(super) fn moving(&mut self, run: RunNumber) -> Moving<'_> {
        let run = self.runs.get_mut(&run).expect("the decider checked that the run is live");
        Moving { run, moved: &mut self.moved }
    }

    pub(super) fn definition_deployed(&mut self, event: &DefinitionDeployed) {
        let name = (event.namespace.clone(), event.name.clone());
        let deployed = self.directory.names.entry(name).or_default();
        let version = event.version.clone();
        deployed.push(Deployed { version, definition: event.definition, at: event.at });
    }

    pub(super) fn runs_forgotten(&mut self, event: &RunsForgotten) {
        for (run, (namespace, run_id)) in &event.runs {
            if self.directory.ids.get(namespace, run_id) == Some(*run) {
                self.directory.ids.remove(namespace, run_id);
            }
        }
    }

    pub(super) fn run_created(&mut self, event: &RunCreated) {
        let definition = self.definitions.get(&event.definition);
        let definition = definition.expect("a run's definition is learned before it").clone();
        self.next_run = event.run.0;
        self.directory.ids.insert(&event.namespace, event.run_id.clone(), event.run);
        if let Some(key) = &event.key {
            let entry = Key {
                run: event.run,
                run_id: event.run_id.clone(),
                request_hash: event.request_hash.clone(),
                expires_at: None,
            };
            self.directory.keys.insert((event.namespace.clone(), key.clone()), entry);
        }
        let run = Run::new(event, definition, self.position);
        self.runs.insert(event.run, Box::new(run));
        self.moved.push(Moved::Run { run: event.run, to: RunState::Created });
    }

    pub(super) fn run_started(&mut self, event: &RunStarted) {
        let mut moving = self.moving(event.run);
        moving.run.started_at = Some(event.at);
        moving.shift_run(RunInput::Started);
        let definition = moving.run.definition.clone();
        for task in definition.tasks() {
            let is_first = definition.predecessors(task).is_empty();
            if is_first && !definition.is_handler(task) {
                moving.open(task.instance(), event.at);
            }
        }
    }

    pub(super) fn run_paused(&mut self, event: &RunPaused) {
        let mut moving = self.moving(event.run);
        moving.run.pauses += 1;
        moving.shift_run(RunInput::Paused);
    }

    pub(super) fn run_resumed(&mut self, event: &RunResumed) {
        let mut moving = self.moving(event.run);
        let was_started = moving.run.started_at.is_some();
        moving.run.extra_mut().resumed_at = Some(event.at);
        moving.shift_run(if was_started { RunInput::Resumed } else { RunInput::ResumedUnstarted });
    }

    pub(super) fn run_cancel_requested(&mut self, event: &RunCancelRequested) {
        let stop = Stop::Cancelled { reason: event.reason.clone() };
        self.moving(event.run).stop(stop);
    }

    pub(super) fn run_deadline_exceeded(&mut self, event: &RunDeadlineExceeded) {
        self.moving(event.run).stop(Stop::DeadlineExceeded);
    }

    pub(super) fn run_completed(&mut self, event: &RunCompleted) {
        let mut moving = self.moving(event.run);
        moving.run.extra_mut().result = Some(event.result.clone());
        moving.skip_run_handler();
        moving.shift_run(RunInput::Completed);
        self.close(event.run, event.at);
    }

    pub(super) fn run_failed(&mut self, event: &RunFailed) {
        let mut moving = self.moving(event.run);
        moving.run.extra_mut().error = Some(Failure {
            instance: event.instance.unwrap_or(InstanceIndex(u32::MAX)),
            attempt: event.attempt,
            error: event.error.clone(),
            recovered: false,
            at: Some(event.at),
        });
        moving.skip_run_handler();
        moving.shift_run(RunInput::Failed);
        self.close(event.run, event.at);
    }

    pub(super) fn run_cancelled(&mut self, event: &RunCancelled) {
        self.moving(event.run).shift_run(RunInput::Cancelled);
        self.close(event.run, event.at);
    }

    /// The run has ended: its key starts to run out, and it leaves with the next turn.
    fn close(&mut self, number: RunNumber, at: Millis) {
        let run = self.runs.get_mut(&number).expect("the run was moved just now");
        run.extra_mut().ended_at = Some(at);
        if let Some(key) = run.key() {
            let name = (run.namespace.clone(), key.clone());
            let kept_ms = if is_planted(Bug::KeyFreedAtEnd) { 0 } else { KEY_KEPT_MS };
            self.directory.key_expires(name, number, Some(at.plus(kept_ms)));
        }
        self.closing.push(number);
    }

    /// A run that is opened again holds its key again, unless another run has it by now.
    pub(super) fn keep_key(&mut self, number: RunNumber) {
        let run = self.runs.get(&number).expect("the decider checked that the run is live");
        if let Some(key) = run.key() {
            let name = (run.namespace.clone(), key.clone());
            self.directory.key_expires(name, number, None);
        }
    }
}

impl Run {
    fn new(event: &RunCreated, definition: Arc<Definition>, position: u64) -> Self {
        let count = definition.task_count();
        let mut instances = Vec::with_capacity(count);
        instances.extend(definition.tasks().map(|task| Instance::Pending {
            unmet: definition.predecessors(task).len() as u32,
            succeeded: false,
        }));
        let unsettled = count as u32 - u32::from(definition.on_error.is_some());
        let asked = Asked {
            priority: event.priority.map(Priority::from_code),
            deadline_at: event.deadline_at,
            key: event.key.clone(),
            metadata: event.metadata.clone(),
            created_by: event.created_by.clone(),
        };
        Self {
            number: event.run,
            id: event.run_id.clone(),
            namespace: event.namespace.clone(),
            definition,
            state: RunState::Created,
            generation: 0,
            event_count: 1,
            first_position: position,
            last_position: position,
            input: event.input.clone(),
            consistency: Consistency::from_code(event.consistency),
            chosen: event.chosen,
            asked: asked.kept(),
            created_at: event.at,
            started_at: None,
            instances,
            active: slab::Slab::new(),
            outputs: slab::Slab::new(),
            unsettled,
            leased: 0,
            pauses: 0,
            extra: None,
            fields: FieldCache::default(),
        }
    }
}

impl Moving<'_> {
    /// Ends all that is not in a worker's hands; nothing new of the run begins from here on.
    fn stop(&mut self, stop: Stop) {
        self.run.extra_mut().stop = Some(stop);
        self.shift_run(RunInput::CancelRequested);
        for index in 0..self.run.instances.len() {
            let instance = InstanceIndex(index as u32);
            let leased = matches!(
                self.run.active(instance).map(|active| &active.phase),
                Some(Phase::Leased { .. })
            );
            if self.run.ending(instance).is_some() || leased {
                continue;
            }
            let readers = self.readers_left(instance);
            let ended = (Ending::Cancelled, readers, NO_OUTPUT);
            self.close_instance(instance, TaskInput::Cancelled, ended);
        }
    }
}
