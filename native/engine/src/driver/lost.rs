//! What becomes of a turn that the log has not kept: memory is ahead of the log and must not live on.

use std::time::Duration;

use pyflow_core::effect::Effect;
use pyflow_core::ids::SessionId;
use pyflow_core::seeded::{Bug, is_planted};
use pyflow_core::shard::Turn;
use pyflow_store::StoreFault;

use super::ring::Driver;
use crate::fault::Refusal;
use crate::recovery::recover;
use crate::request::{AttemptReport, ReportKind};

/// A store without room is probed this often.
pub(super) const PROBE_DELAY: Duration = Duration::from_secs(1);
/// With so many reports that wait for room, lines for logs are let go.
const UNKEPT_COUNT_MAX: usize = 10_000;
/// What a probe writes.
const PROBE: &str = "probe";

impl Driver {
    /// The log has not kept a turn. What the turn owed is answered with the fault; where the log is
    /// usable still, the shard goes back to what it holds and waits for room.
    pub(super) fn stop(&mut self, found: &StoreFault, turn: Turn) {
        if matches!(found, StoreFault::Failed { .. } | StoreFault::Damaged(_)) {
            // The read model is told of all that was kept: a log that has lost some of it is found
            // out by that.
            self.project();
        }
        let fault = Refusal::from(found.clone());
        for effect in &turn.effects {
            if let Effect::Reply { ticket, .. } = effect {
                self.answer(ticket.0, Err(fault.clone()));
            }
        }
        for ticket in self.pruning.take_asked() {
            self.refuse(ticket, fault.clone());
        }
        self.may_resume = !found.is_final();
        self.lost = Some(turn);
        self.fault = Some(fault.clone());
        if !self.may_resume || !self.fall_back() {
            self.refuse_waiting(&fault);
        }
    }

    /// Goes back to what the log holds; tells whether it could be read.
    fn fall_back(&mut self) -> bool {
        let Ok(recovered) = recover(self.log.as_mut(), |_, _| {}) else { return false };
        if let Some(lost) = self.lost.take() {
            self.shard.fall_back(recovered.state, lost);
        }
        true
    }

    /// The fault for which nothing may be told of what is in memory: it is ahead of the log, or, in
    /// a reader, could not be brought up to it.
    pub(super) fn untold(&self) -> Option<Refusal> {
        self.fault.clone().filter(|_| self.lost.is_some() || self.read_only)
    }

    /// Answers with the fault what would be read from memory.
    pub(super) fn refuse_looks(&mut self, fault: &Refusal) {
        let early = std::mem::take(&mut self.early).into_iter().map(|early| early.ticket);
        let asked = std::mem::take(&mut self.looks).into_iter().map(|(ticket, _, _)| ticket);
        for ticket in early.chain(asked).collect::<Vec<u64>>() {
            self.refuse(ticket, fault.clone());
        }
    }

    /// Keeps a report until there is room again: of each attempt its end and its latest signs of life,
    /// and no more lines for logs than memory can spare.
    pub(super) fn keep_for_later(&mut self, session: SessionId, report: &AttemptReport) {
        if !self.may_resume {
            return;
        }
        match &report.kind {
            ReportKind::Heartbeat(_) | ReportKind::Progress(_) => {
                let sign = std::mem::discriminant(&report.kind);
                self.unkept.retain(|(of, known)| {
                    (*of, known.handle, std::mem::discriminant(&known.kind))
                        != (session, report.handle, sign)
                });
            }
            ReportKind::Said(_) if self.unkept.len() >= UNKEPT_COUNT_MAX => return,
            ReportKind::Said(_)
            | ReportKind::Completed(_)
            | ReportKind::Failed(_)
            | ReportKind::Returned
            | ReportKind::Cancelled
            | ReportKind::WorkerDied(_) => {}
        }
        self.unkept.push((session, report.clone()));
    }

    /// Tells those who wait for what is to come that it will not come.
    fn refuse_waiting(&mut self, fault: &Refusal) {
        let mut tickets = self.watchers.take_tickets();
        tickets.extend(std::mem::take(&mut self.waiters).into_values().flatten());
        for ticket in tickets {
            self.refuse(ticket, fault.clone());
        }
    }

    /// Probes a store without room each second, however much is asked meanwhile.
    pub(super) fn probe_in_time(&mut self) {
        if self.fault.is_none() || !self.may_resume {
            return;
        }
        let now = self.clock.now();
        let since = self.probed_at.map(|at| Duration::from_millis(now.since(at)));
        if since.is_none_or(|span| span >= PROBE_DELAY) {
            self.probed_at = Some(now);
            self.probe();
        }
    }

    /// Looks whether there is room again; if so, goes on with the reports that had to wait.
    fn probe(&mut self) {
        if self.lost.is_some() && !self.fall_back() {
            return;
        }
        let before = self.log.get_meta(PROBE).ok().flatten();
        let now = self.clock.now().0.to_string();
        let probed = self.log.cas_meta(PROBE, before.as_deref(), Some(now.as_bytes()));
        if !matches!(probed, Ok(true)) {
            return;
        }
        self.fault = None;
        let now = self.clock.now();
        self.shard.go_on(now);
        if is_planted(Bug::ReportsNotKept) {
            self.unkept.clear();
        }
        for (session, report) in std::mem::take(&mut self.unkept) {
            self.unkept.push((session, report.clone()));
            self.report(session, report, now);
        }
        self.pump();
    }
}
