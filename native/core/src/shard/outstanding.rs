//! Going on after a restart: every duty is derived again from the state.

use super::handout::permits_of;
use super::turn::{Due, Shard, Turn};
use crate::command::{EndLease, LeaseRef, Wake};
use crate::decide;
use crate::effect::Effect;
use crate::event::{Event, LeaseEnd, TaskSaid};
use crate::ids::{InstanceIndex, RunNumber};
use crate::lifecycle::{RunState, TaskState};
use crate::schedule::Sessions;
use crate::seeded::{Bug, is_planted};
use crate::state::{Phase, Run, State};
use crate::time::Millis;

impl Shard {
    /// Goes back to a state that was folded again from the log, since `lost` was not kept. Workers
    /// stay: what they held before that turn they hold again. Until `go_on` nothing is decided, so
    /// that those who look see what the log holds.
    pub fn fall_back(&mut self, state: State, lost: Turn) {
        let mut sessions = std::mem::take(&mut self.sessions);
        for effect in &lost.effects {
            if let Effect::Grant(granted) = effect {
                sessions.let_go(granted.session, granted.handle);
            }
        }
        for (session, handle, held) in lost.let_go {
            sessions.take_back(session, handle, held);
        }
        for event in &lost.events {
            if let Event::TaskSaid(said) = event {
                unsay(&mut sessions, &state, said);
            }
        }
        let settings = self.settings.clone();
        let mut left = std::mem::take(&mut self.left);
        left.extend(lost.left.into_iter().map(|ended| (ended.lease, ended)));
        *self = Self { sessions, left, ..Self::new(state, settings) };
    }

    /// Takes up again what is owed after a fall back: the log takes turns again.
    pub fn go_on(&mut self, now: Millis) {
        self.resume(true, now);
        if !is_planted(Bug::LeasesNotHeldAgain) {
            self.hold_again(now);
        }
    }

    /// Arms and permits what goes with the leases that workers still hold.
    fn hold_again(&mut self, now: Millis) {
        let held: Vec<LeaseRef> = self
            .sessions
            .ids()
            .into_iter()
            .filter_map(|id| self.sessions.get(id))
            .flat_map(|session| session.held().map(|(_, held)| held.lease).collect::<Vec<_>>())
            .collect();
        for lease in held {
            let Some(run) = self.state.run(lease.run) else { continue };
            let Some(active) = run.active(lease.instance).filter(|a| a.grant == lease.grant) else {
                continue;
            };
            let Phase::Leased { since, .. } = active.phase else { continue };
            let options = run.definition().options(run.task_of(lease.instance));
            let timeout_ms = options.timeout_ms.or(self.settings.default_timeout_ms);
            if let Some(span_ms) = timeout_ms {
                self.timers.arm(since.plus(span_ms), Wake::attempt_timeout(lease));
            }
            if let Some(span_ms) = options.heartbeat_timeout_ms {
                // When it was heard last is not on record: it has its whole span again.
                self.timers.arm(now.plus(span_ms), Wake::heartbeat_timeout(lease));
            }
            if let Some((at, wake)) = decide::total_wake(run, lease.instance) {
                self.timers.arm(at, wake);
            }
            let wanted = permits_of(run, lease.instance).unwrap_or_default();
            self.queues.hold_again((lease.run, lease.instance), wanted);
        }
    }

    /// Takes up all that the former owner of the shard owed. Its own workers died with it.
    pub fn resume(&mut self, was_polite: bool, now: Millis) {
        self.state.take_moves();
        let runs: Vec<_> = self.state.runs().map(Run::number).collect();
        for number in runs {
            self.resume_run(number);
        }
        self.order_agenda();
        self.end_dead_leases(was_polite, now);
        self.work(now);
    }

    /// Who came first goes first still: by the time at which it became ready, then by the age of its
    /// run and by its place there.
    fn order_agenda(&mut self) {
        let state = &self.state;
        let ready = |due: &Due| state.run(due.run).and_then(|run| run.ready_since(due.instance));
        self.agenda.make_contiguous().sort_by_cached_key(ready);
    }

    fn resume_run(&mut self, number: RunNumber) {
        let Some(run) = self.state.run(number) else { return };
        let was_started = run.times().1.is_some();
        match run.state() {
            RunState::Created => drop(self.created.insert(number)),
            RunState::Running | RunState::Paused | RunState::Cancelling if was_started => {
                self.working.insert(number);
            }
            RunState::Running | RunState::Paused | RunState::Cancelling => {}
            RunState::Completed | RunState::Failed | RunState::Cancelled => return,
        }
        if !is_planted(Bug::DeadlineNotResumed) {
            self.arm_deadline(number);
        }
        self.resume_instances(number);
        self.finishing.insert(number);
    }

    fn resume_instances(&mut self, number: RunNumber) {
        let Some(run) = self.state.run(number) else { return };
        let mut wakes = Vec::new();
        for index in 0..run.instance_count() {
            let instance = InstanceIndex(index as u32);
            match run.task_state(instance) {
                Some(TaskState::Waiting) if is_planted(Bug::TimerNotResumed) => {}
                Some(TaskState::Ready)
                    if run.state() == RunState::Paused && is_planted(Bug::PausedWorkNotResumed) => {
                }
                Some(TaskState::Ready) => {
                    let stamp = run.stamp(instance);
                    self.agenda.push_back(Due { run: number, instance, stamp });
                }
                Some(TaskState::Waiting | TaskState::Backoff) => {
                    wakes.extend(decide::own_wake(run, instance));
                    wakes.extend(decide::total_wake(run, instance));
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
        for (at, wake) in wakes {
            self.timers.arm(at, wake);
        }
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
        let dead: Vec<LeaseRef> =
            dead.into_iter().filter(|lease| self.sessions.holder(*lease).is_none()).collect();
        let counted = dead.len() == 1 && !was_polite;
        let cause = if was_polite { LeaseEnd::Left } else { LeaseEnd::OwnerDied };
        let mut left = std::mem::take(&mut self.left);
        for lease in dead {
            let ended = EndLease { lease, cause, counted, details: None, message: None };
            self.end_lease_for_good(left.remove(&lease).unwrap_or(ended), now);
        }
    }
}

/// Lines that were not kept take no room of those that an attempt may write.
fn unsay(sessions: &mut Sessions, state: &State, said: &TaskSaid) {
    let active = state.run(said.run).and_then(|run| run.active(said.instance));
    let Some(grant) = active.map(|active| active.grant) else { return };
    let lease = LeaseRef { run: said.run, instance: said.instance, grant };
    let holder = sessions.holder(lease);
    if let Some(held) = holder.and_then(|(session, handle)| sessions.find_mut(session, handle)) {
        held.said_count = held.said_count.saturating_sub(said.lines.len() as u32);
    }
}
