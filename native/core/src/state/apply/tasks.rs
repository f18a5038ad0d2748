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
use crate::seeded::{Bug, is_planted};
use crate::state::instance::{Ending, Phase};
use crate::state::{Failure, RateOf, State};
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
        let definition = moving.run.definition.clone();
        let is_metered = event.attempt == 1 || !is_planted(Bug::RetriesNotMetered);
        if let Some(rate) = definition.options(task).rate_limit.filter(|_| is_metered) {
            let counted = match &event.rate_key {
                Some(key) => RateOf::Key(key.clone()),
                None => RateOf::TaskType(definition.task_type(task).clone()),
            };
            self.rates.start(counted, rate, event.at);
        }
    }

    pub(super) fn task_completed(&mut self, event: &TaskCompleted) {
        let output = Some(event.output.clone());
        self.moving(event.run).settle(event.instance, Ending::Completed, output, event.at);
    }

    pub(super) fn task_failed(&mut self, event: &TaskFailed) {
        let mut moving = self.moving(event.run);
        moving.fail((event.instance, event.attempt), &event.error, event.at);
        moving.settle(event.instance, Ending::Failed, None, event.at);
    }

    pub(super) fn task_quarantined(&mut self, event: &TaskQuarantined) {
        let mut moving = self.moving(event.run);
        moving.fail((event.instance, event.attempt), &event.error, event.at);
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
        record.details = event.details.clone().map(Box::new);
        record.suspicions = 0;
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
        if moving.run.extra().stop.is_none() {
            let instance = event.instance;
            let attempt = moving.run.attempt(instance).max(moving.run.past(instance).attempts);
            let (id, at) = (moving.run.instance_id(instance), Some(event.at));
            let failure = Failure::of_cancelled(instance, attempt, &id, at);
            moving.run.extra_mut().failures.push(failure);
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
        record.suspicions += u32::from(event.cause == LeaseEnd::OwnerDied as u8);
        if event.details.is_some() {
            record.details = event.details.clone().map(Box::new);
        }
    }

    pub(super) fn decision_taken(&mut self, event: &DecisionTaken) {
        let mut moving = self.moving(event.run);
        moving.run.extra_mut().taken.insert(event.instance.0, event.branch);
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
    fn fail(&mut self, (instance, attempt): (InstanceIndex, u32), error: &TaskError, at: Millis) {
        let (error, recovered, at) = (Box::new(error.clone()), false, Some(at));
        self.run.extra_mut().failures.push(Failure { instance, attempt, error, recovered, at });
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
}
