//! The last step of a turn: ready work meets free slots.

use std::sync::Arc;

use super::turn::Shard;
use crate::command::{LeaseRef, Wake};
use crate::decide::{self, RenderedArgs};
use crate::definition::Priority;
use crate::effect::{Effect, Granted};
use crate::event::{Event, TaskError, TaskFailed, TaskLeased};
use crate::ids::{InstanceIndex, RunNumber, SessionId, token};
use crate::lifecycle::{RunState, TaskState};
use crate::schedule::{Held, Item, PermitKey, Picked, Pool, Waiting};
use crate::state::Run;
use crate::time::Millis;

/// Leases of workers inside the engine's own process end with it, so they need no renewal.
const LEASE_MS: u64 = 0;

impl Shard {
    /// Queues an instance that is ready for a worker.
    pub(super) fn enqueue(&mut self, run: RunNumber, instance: InstanceIndex) {
        let arrival = self.queues.next_arrival();
        let Some(waiting) = self.waiting(run, instance, arrival) else { return };
        self.arm_waiting(run, instance);
        self.queues.push(waiting);
    }

    fn waiting(&self, number: RunNumber, instance: InstanceIndex, arrival: u64) -> Option<Waiting> {
        let run = self.state.run(number)?;
        let task = run.task_of(instance);
        let options = run.definition().options(task);
        let fairness_key = match &options.fairness_key {
            None => Arc::from(""),
            Some(key) => decide::key_of(run, instance, key).unwrap_or_default().into(),
        };
        let item = Item {
            run: number,
            instance,
            pauses: run.pauses(),
            deadline: run.deadline_at(),
            arrival,
        };
        Some(Waiting {
            item,
            task_type: run.definition().task_type(task).clone(),
            priority: run.priority().or(options.priority).unwrap_or(Priority::Normal),
            fairness_key,
            suspect: run.active(instance).is_some_and(|active| active.suspect),
        })
    }

    /// Arms what bounds the wait of a ready instance.
    pub(super) fn arm_waiting(&mut self, run: RunNumber, instance: InstanceIndex) {
        let Some(found) = self.state.run(run) else { return };
        let options = found.definition().options(found.task_of(instance));
        let Some(first_ready) = found.first_ready(instance) else { return };
        let ready = found.active(instance).map_or(first_ready, |active| active.ready);
        if let Some(span_ms) = options.queue_timeout_ms {
            let wake = Wake::QueueTimeout { run, instance, ready_ms: ready.0 };
            self.timers.arm(ready.plus(span_ms), wake);
        }
        if let Some(span_ms) = options.total_timeout_ms {
            let wake = Wake::TotalTimeout { run, instance, first_ready_ms: first_ready.0 };
            self.timers.arm(first_ready.plus(span_ms), wake);
        }
    }

    /// Hands out as much as slots, permits and the turn's bounds allow.
    pub(super) fn hand_out(&mut self, now: Millis) {
        while !self.is_full()
            && let Some((picked, session, pool)) = self.queues.pick(&self.sessions, now)
        {
            self.hand_one_out(picked, (session, pool), now);
        }
    }

    fn hand_one_out(&mut self, picked: Picked, to: (SessionId, Pool), now: Millis) {
        let (item, is_suspect) = match picked {
            Picked::Plain { item, .. } => (item, false),
            Picked::Suspect(waiting) => (waiting.item, true),
        };
        let (number, instance) = (item.run, item.instance);
        let Some(run) = self.state.run(number) else { return };
        let is_current = run.pauses() == item.pauses
            && run.state() == RunState::Running
            && run.task_state(instance) == Some(TaskState::Ready);
        if !is_current {
            return;
        }
        let wanted = match permits_of(run, instance) {
            Ok(wanted) => wanted,
            Err(error) => return self.record(failed(run, instance, error, now)),
        };
        if let Some(key) = self.queues.missing_permit(&wanted) {
            let key = key.clone();
            if let Some(waiting) = self.waiting(number, instance, item.arrival) {
                self.queues.park(&key, waiting);
            }
            return;
        }
        if let Some(until) = self.rate_allows_at(number, instance, now) {
            if let Some(waiting) = self.waiting(number, instance, item.arrival) {
                self.queues.delay(until, waiting);
            }
            return;
        }
        let lease = (to.0, self.settings.epoch, LEASE_MS);
        match decide::lease(&self.state, (number, instance), lease, now) {
            Some((Event::TaskLeased(event), args)) => {
                self.queues.take_permits((number, instance), wanted);
                self.record(Event::TaskLeased(event.clone()));
                self.grant(&event, args, to, is_suspect);
            }
            Some((failure, _)) => {
                self.record(failure);
                self.work(now);
            }
            None => {}
        }
    }

    /// When a rate allows the task's next start, if that is later than now.
    pub(crate) fn rate_allows_at(
        &self,
        run: RunNumber,
        instance: InstanceIndex,
        now: Millis,
    ) -> Option<Millis> {
        let run = self.state.run(run)?;
        let task = run.task_of(instance);
        let rate = run.definition().options(task).rate_limit?;
        let debt = self.state.rate_debt(run.definition().task_type(task))?;
        let step_ms = (rate.window_ms / u64::from(rate.count)).max(1);
        // A whole window's starts may come at once; after that one each step.
        let allowed = Millis((debt.0 + step_ms).saturating_sub(rate.window_ms));
        (allowed > now).then_some(allowed)
    }

    fn grant(
        &mut self,
        event: &TaskLeased,
        args: RenderedArgs,
        (session, pool): (SessionId, Pool),
        is_suspect: bool,
    ) {
        let lease = LeaseRef { run: event.run, instance: event.instance, grant: event.grant };
        let run = self.state.run(event.run).expect("its lease was recorded just now");
        let task = run.task_of(event.instance);
        let options = run.definition().options(task);
        let timeout_ms = options.timeout_ms.or(self.settings.default_timeout_ms);
        let heartbeat_timeout_ms = options.heartbeat_timeout_ms;
        let held = Held { lease, pool, details: None, heartbeat_timeout_ms };
        let alone_until = is_suspect.then(|| event.at.plus(self.settings.alone_ms));
        let handle = self.sessions.hold(session, held, alone_until);
        if let Some(span_ms) = timeout_ms {
            self.timers.arm(event.at.plus(span_ms), Wake::AttemptTimeout { lease });
        }
        if let Some(span_ms) = heartbeat_timeout_ms {
            self.timers.arm(event.at.plus(span_ms), Wake::HeartbeatTimeout { lease });
        }
        let ready = run.active(event.instance).map_or(event.at, |active| active.ready);
        let queue_timeout =
            Wake::QueueTimeout { run: event.run, instance: event.instance, ready_ms: ready.0 };
        self.timers.disarm(queue_timeout);
        let granted = Granted {
            session,
            handle,
            run_id: run.run_id().clone(),
            definition: run.definition().clone(),
            task,
            item: run.item_of(event.instance).map(|(_, index)| index),
            attempt: event.attempt,
            token: token(event.epoch, event.grant),
            args,
            deadline_ms: timeout_ms.map(|span_ms| event.at.plus(span_ms).0),
            details: run.active(event.instance).and_then(|active| active.details.clone()),
            metadata: run.metadata().cloned(),
        };
        self.turn.effects.push(Effect::Grant(Box::new(granted)));
    }
}

/// The permits that an instance needs: of its run, of its type, of its own key.
pub(crate) fn permits_of(
    run: &Run,
    instance: InstanceIndex,
) -> Result<Vec<(PermitKey, u32)>, crate::expr::ExprError> {
    let mut wanted = Vec::new();
    if let Some(limit) = run.definition().max_concurrent_tasks {
        wanted.push((PermitKey::Run(run.number()), limit));
    }
    let task = run.task_of(instance);
    let options = run.definition().options(task);
    match (&options.concurrency_key, options.concurrency) {
        (Some(key), limit) => {
            let name = decide::key_of(run, instance, key)?;
            wanted.push((PermitKey::Named(name.into()), limit.unwrap_or(1)));
        }
        // For a map the bound is on its own items, which the state sees to.
        (None, Some(limit)) if options.for_each.is_none() => {
            wanted.push((PermitKey::TaskType(run.definition().task_type(task).clone()), limit));
        }
        (None, _) => {}
    }
    Ok(wanted)
}

fn failed(run: &Run, instance: InstanceIndex, error: crate::expr::ExprError, now: Millis) -> Event {
    let attempt = run.active(instance).map_or(1, |active| active.attempt);
    let message = format!("concurrency_key: {}", error.message);
    let error = Box::new(TaskError::final_of_engine("ExpressionFailed", message));
    TaskFailed { run: run.number(), instance, attempt, error, at: now }.into()
}
