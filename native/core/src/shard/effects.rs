//! What an event owes: `react`, and the timers and queues that follow the state.

use super::turn::{Due, Shard};
use crate::command::{LeaseRef, Wake};
use crate::decide;
use crate::decide::Step;
use crate::effect::{Effect, StopReason};
use crate::event::Event;
use crate::ids::{InstanceIndex, RunNumber};
use crate::lifecycle::{RunState, TaskState};
use crate::seeded::{Bug, is_planted};
use crate::state::{Moved, Phase};
use crate::time::Millis;

impl Shard {
    /// Ends the lease that an event is about to end, while the state still shows it.
    pub(super) fn before(&mut self, event: &Event) {
        let reason = match event {
            Event::TaskFailed(_) | Event::TaskRetrying(_) | Event::TaskQuarantined(_) => {
                StopReason::TimedOut
            }
            Event::TaskCompleted(_) | Event::TaskCancelled(_) | Event::LeaseEnded(_) => {
                StopReason::Lost
            }
            Event::TaskCancelRequested(e) => {
                return self.stop_attempt(e.run, e.instance, StopReason::Cancelled);
            }
            Event::RunCancelRequested(e) => return self.stop_run(e.run, StopReason::Cancelled),
            Event::RunDeadlineExceeded(e) => return self.stop_run(e.run, StopReason::TimedOut),
            Event::DefinitionDeployed(_)
            | Event::RunsForgotten(_)
            | Event::RunCreated(_)
            | Event::RunStarted(_)
            | Event::RunPaused(_)
            | Event::RunResumed(_)
            | Event::RunCompleted(_)
            | Event::RunFailed(_)
            | Event::RunCancelled(_)
            | Event::RunReopened(_)
            | Event::TaskLeased(_)
            | Event::TaskSkipped(_)
            | Event::TaskRecovered(_)
            | Event::DecisionTaken(_)
            | Event::GatewayPassed(_)
            | Event::MapExpanded(_)
            | Event::TimerStarted(_)
            | Event::TimerFired(_)
            | Event::BackoffEnded(_)
            | Event::TaskSaid(_) => return,
        };
        let (Some(run), Some(instance)) = (event.run(), event.instance()) else { return };
        self.lease_ends(run, instance, reason);
    }

    fn lease_ends(&mut self, run: RunNumber, instance: InstanceIndex, reason: StopReason) {
        let Some(lease) = self.lease_of(run, instance) else { return };
        self.timers.disarm(Wake::attempt_timeout(lease));
        self.timers.disarm(Wake::heartbeat_timeout(lease));
        if reason != StopReason::TimedOut || !is_planted(Bug::PermitsNotReleased) {
            self.queues.lease_ended((run, instance));
        }
        if let Some((session, handle)) = self.sessions.holder(lease) {
            self.turn.effects.push(Effect::StopAttempt { session, handle, reason });
        }
    }

    /// The lease by which a worker holds an instance.
    pub(super) fn lease_of(&self, run: RunNumber, instance: InstanceIndex) -> Option<LeaseRef> {
        let active = self.state.run(run)?.active(instance)?;
        matches!(active.phase, Phase::Leased { .. }).then_some(LeaseRef {
            run,
            instance,
            grant: active.grant,
        })
    }

    fn stop_attempt(&mut self, run: RunNumber, instance: InstanceIndex, reason: StopReason) {
        let holder = self.lease_of(run, instance).and_then(|lease| self.sessions.holder(lease));
        if let Some((session, handle)) = holder {
            self.turn.effects.push(Effect::StopAttempt { session, handle, reason });
        }
    }

    fn stop_run(&mut self, run: RunNumber, reason: StopReason) {
        let Some(found) = self.state.run(run) else { return };
        let leased: Vec<InstanceIndex> = found.leases().map(|(instance, _)| instance).collect();
        for instance in leased {
            self.stop_attempt(run, instance, reason);
        }
    }

    /// Follows up what an event has moved.
    pub(super) fn react(&mut self, event: &Event) {
        let moves = self.state.take_moves();
        for moved in &moves {
            self.turn.effects.push(Effect::Show(*moved));
            match *moved {
                Moved::Task { run, instance, to } => self.task_moved(run, instance, to),
                Moved::Run { run, to } => self.run_moved(run, to),
                Moved::Grown { .. } => {}
            }
        }
        self.state.reuse_moves(moves);
        if let Some(run) = event.run() {
            self.look_for_end(run);
        }
    }

    fn task_moved(&mut self, run: RunNumber, instance: InstanceIndex, to: TaskState) {
        match to {
            TaskState::Ready => {
                let stamp = self.state.run(run).map(|run| run.stamp(instance));
                self.agenda.extend(stamp.map(|stamp| Due { run, instance, stamp }));
            }
            TaskState::Waiting | TaskState::Backoff => {
                let found = self.state.run(run);
                if let Some((at, wake)) = found.and_then(|run| decide::own_wake(run, instance)) {
                    self.timers.arm(at, wake);
                }
            }
            TaskState::Completed
            | TaskState::Failed
            | TaskState::Cancelled
            | TaskState::Skipped
            | TaskState::Quarantined => self.disarm_ended(run, instance),
            TaskState::Pending | TaskState::Leased => {}
        }
    }

    /// Nothing is due any more of an instance that has ended.
    fn disarm_ended(&mut self, run: RunNumber, instance: InstanceIndex) {
        self.timers.disarm(Wake::Instance { run, instance });
        let Some(found) = self.state.run(run) else { return };
        let options = found.definition().options(found.task_of(instance));
        let (in_queue, in_all) = (options.queue_timeout_ms, options.total_timeout_ms);
        if in_queue.is_some() {
            self.timers.disarm(Wake::QueueTimeout { run, instance });
        }
        if in_all.is_some() {
            self.timers.disarm(Wake::TotalTimeout { run, instance });
        }
    }

    fn run_moved(&mut self, run: RunNumber, to: RunState) {
        match to {
            RunState::Created => {
                self.created.insert(run);
                self.arm_deadline(run);
            }
            RunState::Running => {
                self.working.insert(run);
                self.arm_deadline(run);
                self.bring_back(run);
            }
            RunState::Paused | RunState::Cancelling => drop(self.created.remove(&run)),
            RunState::Completed | RunState::Failed | RunState::Cancelled => {
                self.created.remove(&run);
                self.working.remove(&run);
                self.aside.remove(&run);
                self.timers.disarm(Wake::RunDeadline { run });
                self.turn.effects.push(Effect::RunEnded { run });
            }
        }
    }

    pub(super) fn arm_deadline(&mut self, run: RunNumber) {
        let deadline = self.state.run(run).and_then(crate::state::Run::deadline_at);
        if let Some(deadline) = deadline {
            self.timers.arm(deadline, Wake::RunDeadline { run });
        }
    }

    /// A run goes on: what was put aside of it is looked at again.
    fn bring_back(&mut self, run: RunNumber) {
        self.queues.bring_back(run);
        let Some(aside) = self.aside.remove(&run) else { return };
        self.agenda.extend(aside.ready);
        for wake in aside.wakes {
            self.arm_again(wake);
        }
    }

    fn look_for_end(&mut self, run: RunNumber) {
        let Some(found) = self.state.run(run) else { return };
        let is_done = found.unsettled() == 0 || (found.stop().is_some() && found.leased() == 0);
        if is_done && !found.state().is_terminal() {
            self.finishing.insert(run);
        }
    }

    pub(super) fn finish(&mut self, run: RunNumber, now: Millis) {
        let end = self.state.run(run).and_then(|run| decide::finish(run, now));
        if let Some(event) = end {
            self.record(event);
        }
    }

    /// Takes a ready instance as far as it goes without a worker, or queues it for one.
    pub(super) fn look_at(&mut self, due: Due, now: Millis) {
        let Due { run, instance, stamp } = due;
        let Some(found) = self.state.run(run) else { return };
        let is_ready = found.task_state(instance) == Some(TaskState::Ready);
        if !is_ready || found.stamp(instance) != stamp {
            return;
        }
        match found.state() {
            RunState::Running => {}
            RunState::Paused if decide::is_for_worker(found, instance, now) => {
                return self.enqueue_aside(run, instance);
            }
            RunState::Paused => {
                return self.aside.entry(run).or_default().ready.push(due);
            }
            RunState::Created
            | RunState::Cancelling
            | RunState::Completed
            | RunState::Failed
            | RunState::Cancelled => return,
        }
        match decide::advance(found, instance, now) {
            Step::Done(event) => self.record(*event),
            Step::Dispatch => self.enqueue(run, instance),
        }
    }
}
