//! The life of a task or an item.

use std::rc::Rc;

use bytes::Bytes;
use pyflow_core::event::{
    Event, LeaseEnd, LeaseEnded, TaskError, TaskLeased, TaskRetrying, TaskSaid,
};
use pyflow_core::ids::token;

use super::entry::{End, Entry, Lease, Phase};
use super::run::{Line, Run};

impl Run {
    /// What an event does to the instance that it is about.
    pub(super) fn take_task(&mut self, event: &Event) {
        let Some(instance) = event.instance().map(pyflow_core::ids::InstanceIndex::index) else {
            return;
        };
        if instance >= self.entries.len() {
            return;
        }
        let at = event.at().0;
        match event {
            Event::TaskLeased(leased) => self.leased_now(instance, leased),
            Event::TaskCompleted(done) => {
                self.entries[instance].ends(End::Completed(kept(&done.output.json())));
            }
            Event::TaskFailed(failed) => {
                self.entries[instance].attempt = failed.attempt;
                self.fails(instance, End::Failed, &failed.error);
            }
            Event::TaskQuarantined(lost) => self.fails(instance, End::Quarantined, &lost.error),
            Event::TaskSkipped(_) => self.entries[instance].ends(End::Skipped),
            Event::TaskCancelled(_) => self.is_cancelled(instance),
            Event::TaskRetrying(retrying) => self.entries[instance].retries(retrying),
            Event::BackoffEnded(_) => self.ready_again(instance, at),
            Event::LeaseEnded(ended) => {
                self.entries[instance].gave_back(ended);
                self.ready_again(instance, at);
            }
            Event::TaskSaid(said) => self.takes_lines(instance, said),
            Event::TaskCancelRequested(_) => {
                if let Phase::Leased(lease) = &mut self.entries[instance].phase {
                    lease.stop_asked = true;
                }
            }
            Event::DecisionTaken(_) => self.decides(instance),
            Event::GatewayPassed(passed) => {
                let source = passed.from.and_then(|from| self.entries.get(from.index()));
                let output = source.and_then(|entry| entry.output().cloned());
                self.entries[instance].ends(End::Completed(output));
            }
            Event::MapExpanded(expanded) => {
                let items: Vec<serde_json::Value> =
                    serde_json::from_slice(&expanded.items.json()).unwrap_or_default();
                self.expand(instance, items, at);
            }
            Event::TimerStarted(started) => {
                self.entries[instance].phase = Phase::Sleeping { until: started.until.0 };
            }
            Event::TimerFired(_) => self.entries[instance].ends(End::Completed(None)),
            Event::TaskRecovered(_) => self.recover(instance),
            Event::DefinitionDeployed(_)
            | Event::RunsForgotten(_)
            | Event::RunCreated(_)
            | Event::RunStarted(_)
            | Event::RunPaused(_)
            | Event::RunResumed(_)
            | Event::RunCancelRequested(_)
            | Event::RunDeadlineExceeded(_)
            | Event::RunCompleted(_)
            | Event::RunFailed(_)
            | Event::RunCancelled(_)
            | Event::RunReopened(_) => {}
        }
    }

    fn is_cancelled(&mut self, instance: usize) {
        self.failure_count += 1;
        let entry = &mut self.entries[instance];
        (entry.error, entry.failed_as) = (None, self.failure_count);
        entry.ends(End::Cancelled);
        entry.is_stopped = self.stop.is_some();
    }

    fn takes_lines(&mut self, instance: usize, said: &TaskSaid) {
        let token = self.entries[instance].token;
        let texts = said.lines.iter().map(|line| line.text.clone());
        self.lines.extend(texts.map(|text| Line { instance, token, text }));
    }

    /// The core has chosen by itself: the output names what was chosen.
    fn decides(&mut self, instance: usize) {
        let names: Vec<String> = self
            .chosen_by(instance)
            .into_iter()
            .map(|task| format!("\"{}\"", self.flow.tasks[task].id))
            .collect();
        let output = format!("{{\"next_task\":[{}]}}", names.join(","));
        self.entries[instance].ends(End::Completed(Some(output.into())));
    }

    /// Ends an instance with its failure, which takes its place behind those before.
    pub(super) fn fails(&mut self, instance: usize, end: End, error: &TaskError) {
        self.failure_count += 1;
        let entry = &mut self.entries[instance];
        (entry.error, entry.failed_as) = (Some(Rc::new(error.clone())), self.failure_count);
        entry.ends(end);
    }

    fn leased_now(&mut self, instance: usize, leased: &TaskLeased) {
        let entry = &mut self.entries[instance];
        let token = token(leased.epoch, leased.grant);
        entry.is_at_attempt(leased.attempt);
        entry.token = token;
        entry.handed_out += 1;
        let (session, at) = (leased.session.0, leased.at.0);
        entry.phase = Phase::Leased(Lease { session, token, at, stop_asked: false });
    }

    fn ready_again(&mut self, instance: usize, at: u64) {
        let entry = &mut self.entries[instance];
        entry.phase = Phase::Ready;
        entry.ready_at = at;
    }
}

impl Entry {
    fn retries(&mut self, retrying: &TaskRetrying) {
        self.phase = Phase::Backoff { until: retrying.until.0 };
        self.details.clone_from(&retrying.details);
        self.error = Some(Rc::new((*retrying.error).clone()));
        self.attempt = retrying.attempt + 1;
        self.handed_out = 0;
        self.suspicions = 0;
    }

    /// A lease has ended without a result.
    fn gave_back(&mut self, ended: &LeaseEnded) {
        if ended.details.is_some() {
            self.details.clone_from(&ended.details);
        }
        self.deliveries += u32::from(ended.counted);
        self.suspicions += u32::from(ended.cause == LeaseEnd::OwnerDied as u8);
        if ended.cause == LeaseEnd::Returned as u8 {
            self.handed_out = self.handed_out.saturating_sub(1);
        }
    }
}

/// An output as it is kept: none for `null`.
fn kept(json: &Bytes) -> Option<Bytes> {
    (json.as_ref() != b"null").then(|| json.clone())
}
