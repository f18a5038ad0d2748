//! The life of a run as a whole.

use crate::consistency::Consistency;
use crate::definition::Priority;
use crate::event::{
    DefinitionDeployed, RunCancelRequested, RunCancelled, RunCompleted, RunCreated,
    RunDeadlineExceeded, RunFailed, RunPaused, RunReopened, RunResumed, RunStarted,
};
use crate::ids::{InstanceIndex, RunNumber, TaskIndex};
use crate::lifecycle::{RunInput, RunState, TaskInput, TaskState};
use crate::limits::KEY_KEPT_MS;
use crate::state::instance::{Ending, Failure, Instance, NO_OUTPUT, Phase};
use crate::state::{Deployed, Key, Moved, Run, State, Stop};
use crate::time::Millis;

use super::shift::Moving;

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

    pub(super) fn run_created(&mut self, event: &RunCreated) {
        let definition = self.definitions.get(&event.definition);
        let definition = definition.expect("a run's definition is learned before it").clone();
        self.next_run = event.run.0;
        let name = (event.namespace.clone(), event.run_id.clone());
        self.directory.ids.insert(name, event.run);
        if let Some(key) = &event.key {
            let entry = Key {
                run: event.run,
                run_id: event.run_id.clone(),
                request_hash: event.request_hash.clone(),
                expires_at: None,
            };
            self.directory.keys.insert((event.namespace.clone(), key.clone()), entry);
        }
        self.runs.insert(event.run, Run::new(event, definition, self.position));
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
        let started = self.runs[&event.run].started_at.is_some();
        let mut moving = self.moving(event.run);
        moving.shift_run(RunInput::Resumed);
        if !started {
            // It was paused before it was admitted: it starts now.
            moving.run.state = RunState::Created;
            return self.run_started(&RunStarted { run: event.run, at: event.at });
        }
        // What became ready meanwhile was passed over by the queues.
        for index in 0..moving.run.instances.len() {
            let instance = InstanceIndex(index as u32);
            if moving.run.task_state(instance) == Some(TaskState::Ready) {
                let (run, to) = (moving.run.number, TaskState::Ready);
                moving.moved.push(Moved::Task { run, instance, to });
            }
        }
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
        moving.run.result = Some(event.result.clone());
        moving.skip_run_handler();
        moving.shift_run(RunInput::Completed);
        self.close(event.run, event.at);
    }

    pub(super) fn run_failed(&mut self, event: &RunFailed) {
        let mut moving = self.moving(event.run);
        moving.run.error = Some(Failure {
            instance: event.instance.unwrap_or(InstanceIndex(u32::MAX)),
            attempt: event.attempt,
            error: event.error.clone(),
            recovered: false,
        });
        moving.shift_run(RunInput::Failed);
        self.close(event.run, event.at);
    }

    pub(super) fn run_cancelled(&mut self, event: &RunCancelled) {
        self.moving(event.run).shift_run(RunInput::Cancelled);
        self.close(event.run, event.at);
    }

    pub(super) fn run_reopened(&mut self, event: &RunReopened) {
        let mut moving = self.moving(event.run);
        moving.run.generation += 1;
        moving.run.error = None;
        moving.run.ended_at = None;
        moving.run.stop = None;
        moving.run.deadline_at = moving.run.deadline_at.filter(|deadline| *deadline > event.at);
        moving.shift_run(RunInput::Reopened);
        if let Some(handler) = moving.run.definition.on_error {
            moving.pend(handler.instance(), 0);
        }
        self.closing.retain(|number| *number != event.run);
    }

    /// The run has ended: its key starts to run out, and it leaves with the next turn.
    fn close(&mut self, number: RunNumber, at: Millis) {
        let run = self.runs.get_mut(&number).expect("the run was moved just now");
        run.ended_at = Some(at);
        if let Some(key) = &run.key {
            let name = (run.namespace.clone(), key.clone());
            let expires_at = at.plus(KEY_KEPT_MS);
            if let Some(entry) = self.directory.keys.get_mut(&name) {
                entry.expires_at = Some(expires_at);
                self.directory.expiring.insert((expires_at, number), name);
            }
        }
        self.closing.push(number);
    }

    /// Takes an ended run out of memory; a chosen id stays taken.
    pub(super) fn retire(&mut self, number: RunNumber) {
        let Some(run) = self.runs.remove(&number) else { return };
        if !run.chosen {
            self.directory.ids.remove(&(run.namespace, run.run_id));
        }
    }
}

impl Run {
    fn new(
        event: &RunCreated,
        definition: std::sync::Arc<crate::definition::Definition>,
        position: u64,
    ) -> Self {
        let count = definition.task_count();
        let mut instances = Vec::with_capacity(count);
        instances.extend(definition.tasks().map(|task| Instance::Pending {
            unmet: definition.predecessors(task).len() as u32,
            succeeded: false,
        }));
        let unsettled = count as u32 - u32::from(definition.on_error.is_some());
        Self {
            number: event.run,
            run_id: event.run_id.clone(),
            namespace: event.namespace.clone(),
            definition,
            state: RunState::Created,
            generation: 0,
            event_count: 1,
            first_position: position,
            last_position: position,
            input: event.input.clone(),
            priority: event.priority.map(Priority::from_code),
            deadline_at: event.deadline_at,
            consistency: Consistency::from_code(event.consistency),
            key: event.key.clone(),
            chosen: event.chosen,
            metadata: event.metadata.clone(),
            created_by: event.created_by.clone(),
            created_at: event.at,
            started_at: None,
            ended_at: None,
            stop: None,
            result: None,
            error: None,
            instances,
            active: slab::Slab::new(),
            outputs: slab::Slab::new(),
            joins: Default::default(),
            maps: Default::default(),
            map_bases: Default::default(),
            taken: Default::default(),
            failures: Vec::new(),
            unsettled,
            leased: 0,
            pauses: 0,
        }
    }
}

impl Moving<'_> {
    /// Ends all that is not in a worker's hands; nothing new of the run begins from here on.
    fn stop(&mut self, stop: Stop) {
        self.run.stop = Some(stop);
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
            let grant = self.last_grant(instance);
            let ending = Ending::Cancelled;
            let settled = Instance::Settled { ending, readers: 0, output: NO_OUTPUT, grant };
            self.shift(instance, TaskInput::Cancelled, settled);
            let task = TaskIndex(instance.0);
            let is_task = index < self.run.definition.task_count();
            if is_task && self.run.definition.on_error != Some(task) {
                self.run.unsettled -= 1;
            }
        }
    }
}
