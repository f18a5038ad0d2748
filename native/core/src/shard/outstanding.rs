//! Going on after a restart: every duty is derived again from the state.

use super::turn::Shard;
use crate::command::{Command, EndLease, LeaseRef, Wake};
use crate::decide;
use crate::event::LeaseEnd;
use crate::ids::InstanceIndex;
use crate::lifecycle::{RunState, TaskState};
use crate::state::Run;
use crate::time::Millis;

impl Shard {
    /// Takes up all that the former owner of the shard owed. Its own workers died with it.
    pub fn resume(&mut self, was_polite: bool, now: Millis) {
        self.state.take_moves();
        let runs: Vec<_> = self.state.runs().map(Run::number).collect();
        for number in &runs {
            let Some(run) = self.state.run(*number) else { continue };
            let (state, deadline) = (run.state(), run.deadline_at());
            match state {
                RunState::Created => self.created.push_back(*number),
                RunState::Running | RunState::Paused | RunState::Cancelling => {
                    self.working.insert(*number);
                }
                RunState::Completed | RunState::Failed | RunState::Cancelled => continue,
            }
            if let Some(deadline) = deadline {
                self.timers.arm(deadline, Wake::RunDeadline { run: *number });
            }
            self.resume_instances(*number);
            self.look_at_end(*number);
        }
        self.end_dead_leases(was_polite, now);
        self.work(now);
    }

    fn look_at_end(&mut self, number: crate::ids::RunNumber) {
        self.finishing.insert(number);
    }

    fn resume_instances(&mut self, number: crate::ids::RunNumber) {
        let Some(run) = self.state.run(number) else { return };
        let mut wakes = Vec::new();
        let mut ready = Vec::new();
        for index in 0..run.instance_count() {
            let instance = InstanceIndex(index as u32);
            match run.task_state(instance) {
                Some(TaskState::Ready) => ready.push((number, instance)),
                Some(TaskState::Waiting | TaskState::Backoff) => {
                    wakes.extend(decide::own_wake(run, instance));
                }
                Some(
                    TaskState::Pending
                    | TaskState::Leased
                    | TaskState::Completed
                    | TaskState::Failed
                    | TaskState::Cancelled
                    | TaskState::Skipped
                    | TaskState::Quarantined,
                )
                | None => {}
            }
        }
        self.agenda.extend(ready);
        wakes.into_iter().for_each(|(at, wake)| self.timers.arm(at, wake));
    }

    /// The store's lock proves that the former owner is dead, and its workers with it. Its death
    /// counts against a task only where that ran alone: otherwise nobody knows whose fault it was.
    fn end_dead_leases(&mut self, was_polite: bool, now: Millis) {
        let dead: Vec<LeaseRef> = self
            .state
            .runs()
            .flat_map(|run| {
                let number = run.number();
                run.leases().map(move |(instance, active)| LeaseRef {
                    run: number,
                    instance,
                    grant: active.grant,
                })
            })
            .collect();
        let counted = dead.len() == 1 && !was_polite;
        let cause = if was_polite { LeaseEnd::Returned } else { LeaseEnd::OwnerDied };
        for lease in dead {
            let command = EndLease { lease, cause, counted, details: None };
            self.handle(&Command::EndLease(command), None, now);
        }
    }
}
