//! The last step of a turn: ready work meets free slots.

use std::sync::Arc;

use super::turn::Shard;
use crate::command::{LeaseRef, Wake};
use crate::decide::{self, RenderedArgs};
use crate::definition::{Priority, RateLimit};
use crate::effect::{Effect, Granted};
use crate::event::{Event, TaskError, TaskFailed, TaskLeased};
use crate::ids::{InstanceIndex, RunNumber, token};
use crate::lifecycle::{RunState, TaskState};
use crate::schedule::{Held, Item, PermitKey, Picked, Waiting};
use crate::seeded::{Bug, is_planted};
use crate::state::{RateOf, Run};
use crate::time::Millis;

/// Leases of workers inside the engine's own process end with it, so they need no renewal.
const LEASE_MS: u64 = 0;

impl Shard {
    /// Queues an instance that is ready for a worker.
    pub(super) fn enqueue(&mut self, run: RunNumber, instance: InstanceIndex) {
        if let Some(waiting) = self.arrive(run, instance) {
            self.queues.push(waiting);
        }
    }

    /// Gives work of a paused run its place among others, and keeps it there until the run goes on.
    pub(super) fn enqueue_aside(&mut self, run: RunNumber, instance: InstanceIndex) {
        if let Some(waiting) = self.arrive(run, instance) {
            self.queues.put_aside(waiting);
        }
    }

    /// Takes in work that became ready, and bounds its wait.
    fn arrive(&mut self, run: RunNumber, instance: InstanceIndex) -> Option<Waiting> {
        let arrival = self.queues.next_arrival();
        let found = self.state.run(run)?;
        let wakes = [decide::queue_wake(found, instance), decide::total_wake(found, instance)];
        let waiting = waiting(found, instance, arrival);
        for (at, wake) in wakes.into_iter().flatten() {
            self.timers.arm(at, wake);
        }
        Some(waiting)
    }

    /// Hands out as much as slots, permits and the turn's bounds allow.
    pub(super) fn hand_out(&mut self, now: Millis) {
        self.queues.release_delayed(now);
        while !self.is_full()
            && let Some(picked) = self.pick(now)
        {
            self.hand_one_out(&picked, now);
            self.work(now);
        }
    }

    fn pick(&mut self, now: Millis) -> Option<Picked> {
        let state = &self.state;
        let is_current = |item: &Item| state.run(item.run).is_some_and(|run| is_current(run, item));
        self.queues.pick(&self.sessions, now, is_current)
    }

    fn hand_one_out(&mut self, picked: &Picked, now: Millis) {
        let (number, instance) = (picked.item.run, picked.item.instance);
        let Some(run) = self.state.run(number).filter(|run| is_current(run, &picked.item)) else {
            return self.queues.drop_picked(picked);
        };
        let waiting = || waiting(run, instance, picked.item.arrival);
        if run.state() == RunState::Paused {
            return self.queues.put_aside(waiting());
        }
        let wanted = match permits_of(run, instance) {
            Ok(wanted) => wanted,
            Err(error) => {
                let failure = failed(run, instance, &error, now);
                self.queues.drop_picked(picked);
                return self.record(failure);
            }
        };
        if let Some(missing) = self.queues.missing_permit(picked, &wanted, waiting) {
            return self.queues.park(missing, waiting());
        }
        let rate = rate_of(run, instance, &wanted);
        let named = named_permit(&wanted).filter(|_| rate.is_some()).cloned();
        let allows_at =
            |(of, rate): &(RateOf, RateLimit)| self.state.rate_allows_at(of, *rate, now);
        if let Some(until) = rate.as_ref().and_then(allows_at) {
            return match named {
                None => self.queues.delay(until, waiting()),
                Some(named) => self.queues.park_until(until, &named, waiting()),
            };
        }
        let lease = (picked.session, self.settings.epoch, LEASE_MS);
        let rate_key = rate.and_then(|(counted, _)| counted.into_key());
        match decide::lease(&self.state, (number, instance), lease, (rate_key, now)) {
            Some((Event::TaskLeased(event), args)) => {
                self.queues.taken(picked, wanted);
                self.record(Event::TaskLeased(event.clone()));
                self.grant(&event, args, picked);
            }
            Some((failure, _)) => {
                self.queues.drop_picked(picked);
                self.record(failure);
            }
            None => self.queues.drop_picked(picked),
        }
    }

    /// Drops what is queued and will never be handed out, where there is much of it.
    pub(super) fn sweep(&mut self) {
        let state = &self.state;
        self.queues.sweep(|item| state.run(item.run).is_some_and(|run| is_current(run, item)));
    }

    /// When a rate allows the task's next start, if that is later than now, and whose rate it is.
    pub(crate) fn rate_blocks(
        &self,
        run: &Run,
        instance: InstanceIndex,
        now: Millis,
    ) -> Option<(Millis, RateOf)> {
        let wanted = permits_of(run, instance).ok()?;
        let (of, rate) = rate_of(run, instance, &wanted)?;
        self.state.rate_allows_at(&of, rate, now).map(|until| (until, of))
    }

    fn grant(&mut self, event: &TaskLeased, args: RenderedArgs, picked: &Picked) {
        let (session, pool) = (picked.session, picked.pool);
        let lease = LeaseRef { run: event.run, instance: event.instance, grant: event.grant };
        let run = self.state.run(event.run).expect("its lease was recorded just now");
        let task = run.task_of(event.instance);
        let options = run.definition().options(task);
        let timeout_ms = options.timeout_ms.or(self.settings.default_timeout_ms);
        let heartbeat_timeout_ms = options.heartbeat_timeout_ms;
        let (details, progress, said_count) = (None, None, 0);
        let held = Held { lease, pool, details, progress, said_count, heartbeat_timeout_ms };
        let times = run.active(event.instance).map_or(0, crate::state::Active::times_suspected);
        let alone_until = picked.is_suspect.then(|| event.at.plus(self.alone_ms(times)));
        let handle = self.sessions.hold(session, held, alone_until);
        if let Some(span_ms) = timeout_ms {
            self.timers.arm(event.at.plus(span_ms), Wake::attempt_timeout(lease));
        }
        if let Some(span_ms) = heartbeat_timeout_ms {
            self.timers.arm(event.at.plus(span_ms), Wake::heartbeat_timeout(lease));
        }
        if options.queue_timeout_ms.is_some() {
            let (run, instance) = (event.run, event.instance);
            self.timers.disarm(Wake::QueueTimeout { run, instance });
        }
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
            details: run
                .active(event.instance)
                .and_then(|active| active.details.as_deref().cloned()),
            metadata: run.metadata().cloned(),
        };
        self.turn.effects.push(Effect::Grant(Box::new(granted)));
    }

    /// How long a suspect runs alone: twice as long each time, so that one that takes its time to
    /// bring its process down is alone with it in the end.
    fn alone_ms(&self, times_suspected: u32) -> u64 {
        self.settings.alone_ms.saturating_mul(1 << times_suspected.saturating_sub(1).min(16))
    }
}

/// Whether an entry of the queues still stands for an attempt that is to be made.
pub(super) fn is_current(run: &Run, item: &Item) -> bool {
    run.stamp(item.instance) == item.stamp
        && matches!(run.state(), RunState::Running | RunState::Paused)
        && run.task_state(item.instance) == Some(TaskState::Ready)
}

/// An instance that is ready, with all that its place in the queues depends on.
fn waiting(run: &Run, instance: InstanceIndex, arrival: u64) -> Waiting {
    let task = run.task_of(instance);
    let options = run.definition().options(task);
    let fairness_key = match &options.fairness_key {
        None => Arc::default(), // It takes no memory.
        Some(key) => decide::key_of(run, instance, key).unwrap_or_default().into(),
    };
    let stamp = run.stamp(instance);
    Waiting {
        item: Item { run: run.number(), instance, stamp, arrival },
        task_type: run.definition().task_type(task).clone(),
        rate: options.rate_limit,
        has_rate_of_key: options.rate_limit.is_some() && options.concurrency_key.is_some(),
        priority: options
            .priority
            .or(run.priority())
            .filter(|_| !is_planted(Bug::PriorityIgnored))
            .unwrap_or(Priority::Normal),
        deadline: run.deadline_at(),
        fairness_key,
        is_suspect: run.active(instance).is_some_and(crate::state::Active::is_suspect),
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

/// The permit of the key that the user named, if any, with its limit.
fn named_permit(wanted: &[(PermitKey, u32)]) -> Option<&(PermitKey, u32)> {
    wanted.iter().find(|(key, _)| matches!(key, PermitKey::Named(_)))
}

/// The rate that limits an instance's starts, and what they are counted under.
fn rate_of(
    run: &Run,
    instance: InstanceIndex,
    wanted: &[(PermitKey, u32)],
) -> Option<(RateOf, RateLimit)> {
    let task = run.task_of(instance);
    let rate = run.definition().options(task).rate_limit?;
    let counted = match named_permit(wanted) {
        Some((PermitKey::Named(key), _)) => RateOf::key(key),
        Some((PermitKey::TaskType(_) | PermitKey::Run(_), _)) | None => {
            RateOf::TaskType(run.definition().task_type(task).clone())
        }
    };
    Some((counted, rate))
}

fn failed(
    run: &Run,
    instance: InstanceIndex,
    error: &crate::expr::ExprError,
    now: Millis,
) -> Event {
    let attempt = run.attempt(instance);
    let message = format!("concurrency_key: {}", error.message);
    let error = Box::new(TaskError::final_of_engine("ExpressionFailed", message));
    TaskFailed { run: run.number(), instance, attempt, error, at: now }.into()
}
