//! P5, P6: what a checkpoint keeps of the shard and of each run is all that there was.

use pyflow_core::ids::{InstanceIndex, TaskIndex};
use pyflow_core::state::{Run, State};

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct SnapshotsHoldEverything;

impl Invariant for SnapshotsHoldEverything {
    fn name(&self) -> &'static str {
        "P5 snapshots hold everything"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        let Some((former, read)) = &scene.mirror.renewed else { return scene.no_opinion() };
        shard_is_whole(scene, former, read)?;
        for run in former.runs() {
            let found = read.run(run.number()).ok_or(format!("run {} is lost", run.run_id()))?;
            run_is_whole(run, found).map_err(|lost| format!("run {}: {lost}", run.run_id()))?;
            for (instance, _) in (0..run.instance_count() as u32).zip(0..) {
                instance_is_whole(run, found, InstanceIndex(instance)).map_err(|lost| {
                    let id = run.instance_id(InstanceIndex(instance));
                    format!("{id} of run {}: {lost}", run.run_id())
                })?;
            }
        }
        Ok(())
    }
}

/// What is there of a fact before and after; told where the two differ.
#[expect(clippy::needless_pass_by_value, reason = "facts are read where they are compared")]
fn same<T: PartialEq + std::fmt::Debug>(what: &str, before: T, after: T) -> Judged {
    if before == after {
        return Ok(());
    }
    Err(format!("{what} was {before:?} and is read as {after:?}"))
}

fn shard_is_whole(scene: &Scene, before: &State, after: &State) -> Judged {
    const NAMESPACE: &str = "default";
    same("the position", before.position(), after.position())?;
    same("the next run", before.next_run(), after.next_run())?;
    for drawn in &scene.flows {
        let name = &*drawn.definition.name;
        let (there, here) = (before.deployed(NAMESPACE, name), after.deployed(NAMESPACE, name));
        same("what is deployed", there, here)?;
    }
    for run in scene.model.runs.values() {
        let number = |state: &State| state.run_number(NAMESPACE, &run.id);
        same("the number of an id", number(before), number(after))?;
        if let Some(key) = &run.key {
            same("a key", before.key(NAMESPACE, key), after.key(NAMESPACE, key))?;
        }
    }
    Ok(())
}

fn run_is_whole(before: &Run, after: &Run) -> Judged {
    same("its number", before.number(), after.number())?;
    same("its id", before.run_id(), after.run_id())?;
    same("its namespace", before.namespace(), after.namespace())?;
    same("its definition", before.definition().hash, after.definition().hash)?;
    same("its state", before.state(), after.state())?;
    same("its generation", before.generation(), after.generation())?;
    same("its events", before.event_count(), after.event_count())?;
    same("its positions", before.positions(), after.positions())?;
    same("its input", before.input(), after.input())?;
    same("its priority", before.priority(), after.priority())?;
    same("its deadline", before.deadline_at(), after.deadline_at())?;
    same("its consistency", before.consistency(), after.consistency())?;
    same("its key", before.key(), after.key())?;
    same("its metadata", before.metadata(), after.metadata())?;
    same("its author", before.created_by(), after.created_by())?;
    same("its times", before.times(), after.times())?;
    same("its stop", before.stop(), after.stop())?;
    same("its result", before.result(), after.result())?;
    same("its error", before.error(), after.error())?;
    same("its open tasks", before.unsettled(), after.unsettled())?;
    same("its leases", before.leased(), after.leased())?;
    same("its pauses", before.pauses(), after.pauses())?;
    same("its failures", all_failures(before), all_failures(after))?;
    counts_are_right(before, after)
}

/// Whether what a run counts fits what it counts. How many will read the output of a handler is not
/// looked at by itself: it may be one more than will, until the run ends.
fn counts_are_right(before: &Run, after: &Run) -> Judged {
    let wrong = after.inconsistency();
    let is_of_readers = wrong.as_ref().is_some_and(|text| text.ends_with("are left"));
    same("what is wrong in it", before.inconsistency(), wrong.clone())?;
    if is_of_readers { Ok(()) } else { same("what is wrong in it", None, wrong) }
}

fn all_failures(run: &Run) -> Vec<&pyflow_core::state::Failure> {
    run.failures().iter().collect()
}

fn instance_is_whole(before: &Run, after: &Run, instance: InstanceIndex) -> Judged {
    same("its state", before.task_state(instance), after.task_state(instance))?;
    same("its end", before.ending(instance), after.ending(instance))?;
    same("its output", before.output(instance), after.output(instance))?;
    same("its record", before.active(instance), after.active(instance))?;
    same("its grant", before.grant(instance), after.grant(instance))?;
    same("its last attempt", before.last_attempt(instance), after.last_attempt(instance))?;
    same("when it was ready", before.first_ready(instance), after.first_ready(instance))?;
    let waits_since = |run: &Run| run.in_queue_since(instance);
    same("since when it waits", waits_since(before), waits_since(after))?;
    same("its map", before.map(instance), after.map(instance))?;
    same("its place in a map", before.item_of(instance), after.item_of(instance))?;
    let task = TaskIndex(instance.0);
    same("its branch", before.branch_taken(task), after.branch_taken(task))
}
