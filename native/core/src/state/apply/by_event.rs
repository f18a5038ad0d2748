//! From an event to what it changes.

use crate::event::Event;
use crate::ids::RunNumber;
use crate::state::State;
use crate::time::Millis;

impl State {
    /// Opens the turn at `position`: what ended in the turn before leaves.
    pub fn begin_turn(&mut self, position: u64) {
        assert!(position > self.position, "positions grow");
        self.position = position;
        for number in std::mem::take(&mut self.closing) {
            self.retire(number);
        }
    }

    /// The same where the turn's first event is known: a run that it opens again stays.
    pub fn begin_turn_with(&mut self, position: u64, first: &Event) {
        if let Event::RunReopened(reopened) = first {
            self.closing.retain(|number| *number != reopened.run);
        }
        self.begin_turn(position);
    }

    /// Notes the position of the events that follow, without letting go of what has ended: for
    /// folding one run alone.
    pub fn move_to(&mut self, position: u64) {
        self.position = position;
    }

    /// Makes one event part of the state.
    pub fn apply(&mut self, event: &Event) {
        self.touch(event.run(), event.at());
        match event {
            Event::DefinitionDeployed(e) => self.definition_deployed(e),
            Event::RunsForgotten(e) => self.runs_forgotten(e),
            Event::RunCreated(e) => self.run_created(e),
            Event::RunStarted(e) => self.run_started(e),
            Event::RunPaused(e) => self.run_paused(e),
            Event::RunResumed(e) => self.run_resumed(e),
            Event::RunCancelRequested(e) => self.run_cancel_requested(e),
            Event::RunDeadlineExceeded(e) => self.run_deadline_exceeded(e),
            Event::RunCompleted(e) => self.run_completed(e),
            Event::RunFailed(e) => self.run_failed(e),
            Event::RunCancelled(e) => self.run_cancelled(e),
            Event::RunReopened(e) => self.run_reopened(e),
            Event::TaskLeased(e) => self.task_leased(e),
            Event::TaskCompleted(e) => self.task_completed(e),
            Event::TaskFailed(e) => self.task_failed(e),
            Event::TaskRetrying(e) => self.task_retrying(e),
            Event::TaskSkipped(e) => self.task_skipped(e),
            Event::TaskCancelled(e) => self.task_cancelled(e),
            Event::TaskQuarantined(e) => self.task_quarantined(e),
            Event::TaskRecovered(e) => self.task_recovered(e),
            Event::LeaseEnded(e) => self.lease_ended(e),
            Event::TaskCancelRequested(e) => self.task_cancel_requested(e),
            Event::DecisionTaken(e) => self.decision_taken(e),
            Event::GatewayPassed(e) => self.gateway_passed(e),
            Event::MapExpanded(e) => self.map_expanded(e),
            Event::TimerStarted(e) => self.timer_started(e),
            Event::TimerFired(e) => self.timer_fired(e),
            Event::BackoffEnded(e) => self.backoff_ended(e),
            Event::TaskSaid(_) => {} // It stands in the history only.
        }
    }

    /// Counts the event into its run's history.
    fn touch(&mut self, run: Option<RunNumber>, at: Millis) {
        let position = self.position;
        if let Some(run) = run.and_then(|number| self.runs.get_mut(&number)) {
            run.event_count += 1;
            run.last_position = position;
        }
        self.directory.drop_expired_keys(at);
    }
}
