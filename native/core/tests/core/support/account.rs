//! What must hold of a shard between two turns.

use std::collections::BTreeMap;

use pyflow_core::decide::key_of;
use pyflow_core::definition::Kind;
use pyflow_core::ids::{InstanceIndex, RunNumber};
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::shard::Shard;
use pyflow_core::state::Run;
use pyflow_core::time::Millis;

/// Checks a shard that has nothing left to do by itself.
pub(crate) fn check(shard: &Shard, now: Millis) {
    let queued = queued(shard);
    for run in shard.state().runs() {
        assert_eq!(run.inconsistency(), None, "run {}", run.run_id());
        check_queued(run, &queued);
        check_wake_reason(shard, run, &queued);
    }
    check_limits(shard);
    assert!(shard.timers().next().is_none_or(|at| at > now), "what was due has fired");
}

type Queued = BTreeMap<(RunNumber, InstanceIndex), u32>;

/// How often each instance that is ready stands in the queues.
fn queued(shard: &Shard) -> Queued {
    let mut queued = Queued::new();
    for item in shard.queues().entries() {
        let Some(run) = shard.state().run(item.run) else { continue };
        let is_current = run.task_state(item.instance) == Some(TaskState::Ready)
            && item.stamp == run.stamp(item.instance);
        *queued.entry((item.run, item.instance)).or_default() += u32::from(is_current);
    }
    queued
}

fn check_queued(run: &Run, queued: &Queued) {
    for instance in (0..run.instance_count() as u32).map(InstanceIndex) {
        if run.task_state(instance) != Some(TaskState::Ready) {
            continue;
        }
        let id = run.instance_id(instance);
        let count = queued.get(&(run.number(), instance)).copied().unwrap_or(0);
        match run.state() {
            RunState::Running => {
                let kind = run.definition().kind(run.task_of(instance));
                assert_eq!(kind, Kind::Activity, "{id}: the core does its own tasks at once");
                assert_eq!(count, 1, "{id} is queued once");
            }
            RunState::Paused => assert!(count <= 1, "{id} is queued at most once"),
            RunState::Created
            | RunState::Cancelling
            | RunState::Completed
            | RunState::Failed
            | RunState::Cancelled => panic!("{id} is ready in a run that is not at work"),
        }
    }
}

/// Each run that has not ended has something that will wake it.
fn check_wake_reason(shard: &Shard, run: &Run, queued: &Queued) {
    let timers = |instance| {
        use pyflow_core::command::Wake;
        shard.timers().at(Wake::Instance { run: run.number(), instance }).is_some()
    };
    let mut instances = (0..run.instance_count() as u32).map(InstanceIndex);
    let has_reason = match run.state() {
        RunState::Created => shard.working_count() >= shard.settings().max_concurrent_runs,
        RunState::Cancelling => run.leased() > 0,
        RunState::Running => {
            run.leased() > 0
                || instances.any(|instance| match run.task_state(instance) {
                    Some(TaskState::Ready) => queued.contains_key(&(run.number(), instance)),
                    Some(TaskState::Backoff) => timers(instance),
                    Some(TaskState::Waiting) => run.map(instance).is_none() && timers(instance),
                    _ => false,
                })
        }
        RunState::Paused | RunState::Completed | RunState::Failed | RunState::Cancelled => true,
    };
    assert!(has_reason, "run {} ({}) would never wake", run.run_id(), run.state().name());
}

/// No more is at work than limits allow.
fn check_limits(shard: &Shard) {
    let mut types: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut keys: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for run in shard.state().runs() {
        let mut maps: BTreeMap<u32, u32> = BTreeMap::new();
        for (instance, _) in run.leases() {
            let options = run.definition().options(run.task_of(instance));
            if let Some(key) = &options.concurrency_key {
                let name = key_of(run, instance, key).expect("it was rendered to be handed out");
                let counted = keys.entry(name).or_default();
                *counted =
                    (counted.0 + 1, counted.1.max(options.concurrency.unwrap_or(1) as usize));
            } else if let Some(limit) = options.concurrency {
                if let Some((parent, _)) = run.item_of(instance) {
                    let open = maps.entry(parent.0).or_default();
                    *open += 1;
                    assert!(*open <= limit, "a map has at most {limit} items open");
                } else {
                    let name = run.definition().task_type(run.task_of(instance)).to_string();
                    let counted = types.entry(name).or_insert((0, limit as usize));
                    counted.0 += 1;
                    assert!(counted.0 <= counted.1, "{counted:?} at work");
                }
            }
        }
        if let Some(limit) = run.definition().max_concurrent_tasks {
            assert!(run.leased() <= limit, "{} of {limit} tasks at work", run.leased());
        }
    }
    assert!(keys.values().all(|(count, limit)| count <= limit), "{keys:?}");
    let working =
        shard.state().runs().filter(|run| run.times().1.is_some() && !run.state().is_terminal());
    assert_eq!(shard.working_count(), working.count());
}
