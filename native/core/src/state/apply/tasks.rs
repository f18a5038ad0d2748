//! The life of a task's instance.

use super::shift::Moving;
use crate::event::{
    BackoffEnded, DecisionTaken, GatewayPassed, LeaseEnd, LeaseEnded, TaskCancelRequested,
    TaskCancelled, TaskCompleted, TaskError, TaskFailed, TaskLeased, TaskQuarantined, TaskRetrying,
    TaskSkipped, TimerFired, TimerStarted,
};
use crate::ids::InstanceIndex;
use crate::lifecycle::TaskInput;
use crate::payload::Payload;
use crate::state::instance::{Ending, Failure, Phase};
use crate::state::{Moved, State};
use crate::time::Millis;

impl State {
    pub(super) fn task_leased(&mut self, event: &TaskLeased) {
        let mut moving = self.moving(event.run);
        let phase = Phase::Leased { session: event.session, since: event.at, stop_asked: false };
        moving.shift_phase(event.instance, TaskInput::Leased, phase);
        moving.run.leased += 1;
        let record = moving.record(event.instance);
        record.attempt = event.attempt;
        record.grant = event.grant;
        let task = moving.run.task_of(event.instance);
        if let Some(rate) = moving.run.definition.options(task).rate_limit {
            let name = moving.run.definition.task_type(task).clone();
            let step_ms = rate.window_ms / u64::from(rate.count);
            let debt = self.rates.entry(name).or_insert(event.at);
            *debt = (*debt).max(event.at).plus(step_ms.max(1));
        }
    }

    pub(super) fn task_completed(&mut self, event: &TaskCompleted) {
        let output = Some(event.output.clone());
        self.moving(event.run).settle(event.instance, Ending::Completed, output, event.at);
    }

    pub(super) fn task_failed(&mut self, event: &TaskFailed) {
        let mut moving = self.moving(event.run);
        moving.fail(event.instance, event.attempt, &event.error);
        moving.settle(event.instance, Ending::Failed, None, event.at);
    }

    pub(super) fn task_quarantined(&mut self, event: &TaskQuarantined) {
        let mut moving = self.moving(event.run);
        moving.fail(event.instance, event.attempt, &event.error);
        moving.settle(event.instance, Ending::Quarantined, None, event.at);
    }

    pub(super) fn task_retrying(&mut self, event: &TaskRetrying) {
        let mut moving = self.moving(event.run);
        moving.end_lease(event.instance);
        let phase = Phase::Backoff { until: event.until };
        moving.shift_phase(event.instance, TaskInput::Retried, phase);
        let record = moving.record(event.instance);
        record.attempt = event.attempt + 1;
        record.error = Some(event.error.clone());
        record.details.clone_from(&event.details);
        record.suspect = false;
    }

    pub(super) fn backoff_ended(&mut self, event: &BackoffEnded) {
        let mut moving = self.moving(event.run);
        moving.shift_phase(event.instance, TaskInput::BackoffEnded, Phase::Ready);
        moving.record(event.instance).ready = event.at;
    }

    pub(super) fn task_skipped(&mut self, event: &TaskSkipped) {
        self.moving(event.run).settle(event.instance, Ending::Skipped, None, event.at);
    }

    pub(super) fn task_cancelled(&mut self, event: &TaskCancelled) {
        let mut moving = self.moving(event.run);
        if moving.run.stop.is_none() {
            let id = moving.run.instance_id(event.instance);
            moving.run.failures.push(Failure::of_cancelled(event.instance, &id));
        }
        moving.settle(event.instance, Ending::Cancelled, None, event.at);
    }

    pub(super) fn task_cancel_requested(&mut self, event: &TaskCancelRequested) {
        let mut moving = self.moving(event.run);
        if let Phase::Leased { stop_asked, .. } = &mut moving.record(event.instance).phase {
            *stop_asked = true;
        }
    }

    pub(super) fn lease_ended(&mut self, event: &LeaseEnded) {
        let mut moving = self.moving(event.run);
        moving.end_lease(event.instance);
        moving.shift_phase(event.instance, TaskInput::LeaseEnded, Phase::Ready);
        let record = moving.record(event.instance);
        record.ready = event.at;
        record.deliveries += u32::from(event.counted);
        record.suspect = event.cause == LeaseEnd::OwnerDied as u8;
        if event.details.is_some() {
            record.details.clone_from(&event.details);
        }
    }

    pub(super) fn decision_taken(&mut self, event: &DecisionTaken) {
        let mut moving = self.moving(event.run);
        moving.run.taken.insert(event.instance.0, event.branch);
        let output = moving.chosen_tasks(event.instance, event.branch);
        moving.settle(event.instance, Ending::Completed, Some(output), event.at);
    }

    pub(super) fn gateway_passed(&mut self, event: &GatewayPassed) {
        let mut moving = self.moving(event.run);
        let output = event.from.and_then(|from| moving.run.output(from.instance()).cloned());
        moving.settle(event.instance, Ending::Completed, output, event.at);
    }

    pub(super) fn timer_started(&mut self, event: &TimerStarted) {
        let phase = Phase::Sleeping { until: event.until };
        self.moving(event.run).shift_phase(event.instance, TaskInput::Suspended, phase);
    }

    pub(super) fn timer_fired(&mut self, event: &TimerFired) {
        self.moving(event.run).settle(event.instance, Ending::Completed, None, event.at);
    }
}

impl Moving<'_> {
    fn fail(&mut self, instance: InstanceIndex, attempt: u32, error: &TaskError) {
        let error = Box::new(error.clone());
        self.run.failures.push(Failure { instance, attempt, error, recovered: false });
    }

    /// The attempt is over: its lease no longer counts.
    fn end_lease(&mut self, instance: InstanceIndex) {
        if matches!(self.run.active(instance).map(|a| &a.phase), Some(Phase::Leased { .. })) {
            self.run.leased -= 1;
        }
    }

    /// A decision's output: the tasks that it chose.
    fn chosen_tasks(&self, decision: InstanceIndex, branch: u32) -> Payload {
        let definition = &self.run.definition;
        let branches = definition.branches(self.run.task_of(decision));
        let targets = branches.get(branch as usize).map_or(&[][..], |branch| &branch.targets);
        let names: Vec<&str> = targets.iter().map(|task| definition.id(*task)).collect();
        Payload::new(serde_json::json!({ "next_task": names }).to_string().into())
    }

    /// An instance is ready again without an event of its own.
    pub(super) fn told_ready(&mut self, instance: InstanceIndex, at: Millis) {
        self.record(instance).ready = at;
        let to = crate::lifecycle::TaskState::Ready;
        self.moved.push(Moved::Task { run: self.run.number, instance, to });
    }
}
