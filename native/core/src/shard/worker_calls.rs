//! What workers tell: sessions, reports, heartbeats.

use std::sync::Arc;

use bytes::Bytes;

use super::turn::Shard;
use crate::command::{Command, EndLease, Outcome, Report, Wake};
use crate::decide;
use crate::event::{LeaseEnd, SaidLine};
use crate::ids::SessionId;
use crate::limits::{DETAILS_SIZE_MAX, PROGRESS_SIZE_MAX, SAID_LINE_COUNT_MAX};
use crate::schedule::Pool;
use crate::seeded::{Bug, is_planted};
use crate::time::Millis;

impl Shard {
    /// A worker connects with so many slots in each pool.
    pub fn open_session(&mut self, session: SessionId, slots: [u32; 3]) {
        self.sessions.open(session, slots);
    }

    pub fn set_types(&mut self, session: SessionId, types: Vec<(Arc<str>, Pool)>) {
        self.sessions.set_types(session, types);
    }

    /// The worker takes no more work.
    pub fn drain_session(&mut self, session: SessionId) {
        self.sessions.drain(session);
    }

    /// The worker is gone; what it held is ready again, counted or not, or of unknown outcome where
    /// it may be begun only once.
    pub fn close_session(&mut self, session: SessionId, cause: LeaseEnd, now: Millis) {
        // A worker that leaves has given back itself what it had not begun.
        let cause = if cause == LeaseEnd::Returned { LeaseEnd::Left } else { cause };
        for held in self.sessions.close(session) {
            let counted = cause == LeaseEnd::WorkerDied;
            let (lease, details) = (held.lease, held.details);
            self.end_lease_for_good(
                EndLease { lease, cause, counted, details, message: None },
                now,
            );
        }
    }

    /// Ends a lease whose worker is gone: should the turn not be kept, nobody else knows how it ended.
    pub(super) fn end_lease_for_good(&mut self, ended: EndLease, now: Millis) {
        self.turn.left.push(ended.clone());
        self.handle(&Command::EndLease(ended), None, now);
    }

    /// A worker has finished with an attempt. A report of one that is over frees its slot only.
    pub fn report(&mut self, session: SessionId, handle: u64, outcome: Outcome, now: Millis) {
        let Some(held) = self.sessions.let_go(session, handle) else { return };
        self.turn.let_go.push((session, handle, held.clone()));
        let report = Report { lease: held.lease, outcome, details: held.details };
        self.handle(&Command::Report(report), None, now);
    }

    /// A worker gives an attempt back: unstarted, or since its process died, with what is known of
    /// how it died.
    pub fn give_back(
        &mut self,
        session: SessionId,
        handle: u64,
        (cause, message): (LeaseEnd, Option<String>),
        now: Millis,
    ) {
        let Some(held) = self.sessions.let_go(session, handle) else { return };
        self.turn.let_go.push((session, handle, held.clone()));
        let counted = cause == LeaseEnd::WorkerDied;
        if counted && is_planted(Bug::SlotNotFreed) {
            self.sessions.take_slot(session, held.pool);
        }
        let (lease, details) = (held.lease, held.details);
        let command = EndLease { lease, cause, counted, details, message };
        self.handle(&Command::EndLease(command), None, now);
    }

    /// A worker is alive and well with an attempt, and may say how far it is; what is too long is
    /// not kept.
    pub fn heartbeat(&mut self, session: SessionId, handle: u64, details: Bytes, now: Millis) {
        let Some(held) = self.sessions.find_mut(session, handle) else { return };
        if details.len() <= DETAILS_SIZE_MAX {
            held.details = Some(details);
        }
        self.heard_of(session, handle, now);
    }

    /// A task tells how far it is; what is too long is not shown.
    pub fn progress(&mut self, session: SessionId, handle: u64, progress: Bytes, now: Millis) {
        let Some(held) = self.sessions.find_mut(session, handle) else { return };
        if progress.len() <= PROGRESS_SIZE_MAX {
            held.progress = Some(progress);
        }
        self.heard_of(session, handle, now);
    }

    /// A task writes lines to its log. What an attempt says over its bound, or once it is over, is
    /// not kept.
    pub fn say(&mut self, session: SessionId, handle: u64, lines: Vec<SaidLine>, now: Millis) {
        let Some(held) = self.sessions.find_mut(session, handle) else { return };
        let room = SAID_LINE_COUNT_MAX.saturating_sub(held.said_count);
        held.said_count += lines.len().min(room as usize) as u32;
        let lease = held.lease;
        let event = decide::said(&self.state, lease, lines, (room as usize, now));
        if let Some(event) = event {
            self.record(event);
        }
        self.heard_of(session, handle, now);
    }

    /// A sign of life: the heartbeat that is awaited has come.
    fn heard_of(&mut self, session: SessionId, handle: u64, now: Millis) {
        let Some(held) = self.sessions.find(session, handle) else { return };
        let (lease, span_ms) = (held.lease, held.heartbeat_timeout_ms);
        let wake = Wake::heartbeat_timeout(lease);
        if let Some(span_ms) = span_ms
            && self.timers.at(wake).is_some()
        {
            self.timers.arm(now.plus(span_ms), wake);
        }
    }
}
