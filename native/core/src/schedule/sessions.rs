//! Workers: which types they run, how many slots are free, what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::command::LeaseRef;
use crate::ids::SessionId;
use crate::time::Millis;

/// Where a worker runs a task: each pool has slots of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    Async = 0,
    Thread = 1,
    Process = 2,
}

impl Pool {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "async" => Some(Self::Async),
            "thread" => Some(Self::Thread),
            "process" => Some(Self::Process),
            _ => None,
        }
    }
}

/// An attempt in a worker's hands.
#[derive(Clone, Debug)]
pub struct Held {
    pub lease: LeaseRef,
    pub pool: Pool,
    /// What its last heartbeat told.
    pub details: Option<Bytes>,
    /// How far it last said that it is, as JSON.
    pub progress: Option<Bytes>,
    /// Lines of its log that were kept.
    pub said_count: u32,
    /// The heartbeat timeout, where it has one.
    pub heartbeat_timeout_ms: Option<u64>,
}

/// A worker's connection.
#[derive(Debug)]
pub struct Session {
    pub(super) types: BTreeMap<Arc<str>, Pool>,
    pub(super) free: [u32; 3],
    pub(super) draining: bool,
    held: BTreeMap<u64, Held>,
    /// A suspect runs alone until then, or until it ends.
    pub(super) alone_until: Option<(u64, Millis)>,
    /// What has outlived the time in which a suspect ran alone: it holds up no further suspect.
    outlived: BTreeSet<u64>,
}

impl Session {
    pub fn held_count(&self) -> usize {
        self.held.len()
    }

    pub fn held(&self) -> impl Iterator<Item = (u64, &Held)> {
        self.held.iter().map(|(handle, held)| (*handle, held))
    }

    /// Where it could begin a task of this type now.
    pub(super) fn pool_now(&self, task_type: &str) -> Option<Pool> {
        let pool = *self.types.get(task_type)?;
        (!self.draining && self.free[pool as usize] > 0).then_some(pool)
    }

    pub(super) fn has_free_slot(&self) -> bool {
        !self.draining && self.free.iter().any(|free| *free > 0)
    }

    /// Whether something runs that a suspect must not run beside.
    pub(super) fn is_in_use(&self) -> bool {
        self.alone_until.is_none() && self.held.keys().any(|handle| !self.outlived.contains(handle))
    }

    /// Whether it is kept clear for a suspect.
    pub(super) fn is_kept_clear(&self, now: Millis) -> bool {
        self.alone_until.is_some_and(|(_, until)| now < until)
    }
}

/// All workers of a shard.
#[derive(Debug, Default)]
pub struct Sessions {
    by_id: BTreeMap<SessionId, Session>,
    by_lease: BTreeMap<LeaseRef, (SessionId, u64)>,
    last_handle: u64,
}

impl Sessions {
    /// Opens a session, by a number that the caller has not used before.
    pub fn open(&mut self, id: SessionId, slots: [u32; 3]) {
        let session = Session {
            types: BTreeMap::new(),
            free: slots,
            draining: false,
            held: BTreeMap::new(),
            alone_until: None,
            outlived: BTreeSet::new(),
        };
        self.by_id.insert(id, session);
    }

    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.by_id.get(&id)
    }

    pub fn ids(&self) -> Vec<SessionId> {
        self.by_id.keys().copied().collect()
    }

    pub fn set_types(&mut self, id: SessionId, types: impl IntoIterator<Item = (Arc<str>, Pool)>) {
        if let Some(session) = self.by_id.get_mut(&id) {
            session.types.extend(types);
        }
    }

    /// Takes no more work from now on.
    pub fn drain(&mut self, id: SessionId) {
        if let Some(session) = self.by_id.get_mut(&id) {
            session.draining = true;
        }
    }

    /// Closes a session; gives what it held.
    pub fn close(&mut self, id: SessionId) -> Vec<Held> {
        let Some(session) = self.by_id.remove(&id) else { return Vec::new() };
        let held: Vec<Held> = session.held.into_values().collect();
        for held in &held {
            self.by_lease.remove(&held.lease);
        }
        held
    }

    /// Whether any worker runs this type.
    pub fn serves(&self, task_type: &str) -> bool {
        self.by_id.values().any(|session| session.types.contains_key(task_type))
    }

    /// Free slots of the pools that run this type, over all workers.
    pub fn free_slots(&self, task_type: &str) -> u32 {
        let free = |session: &Session| {
            session.types.get(task_type).map_or(0, |pool| session.free[*pool as usize])
        };
        self.by_id.values().filter(|session| !session.draining).map(free).sum()
    }

    /// The suspect that runs alone on a worker with a free slot for this type, and until when at most:
    /// the one that makes room first.
    pub fn alone(&self, task_type: &str, now: Millis) -> Option<(&Held, Millis)> {
        let suspect = |session: &'_ Session| {
            session.pool_now(task_type)?;
            session.alone_until.filter(|(_, until)| now < *until)
        };
        let (session, (handle, until)) = self
            .by_id
            .values()
            .filter_map(|session| Some((session, suspect(session)?)))
            .min_by_key(|(_, (_, until))| *until)?;
        Some((session.held.get(&handle)?, until))
    }

    /// Puts a lease into a worker's hands; gives the handle that both name it by.
    pub fn hold(&mut self, id: SessionId, held: Held, alone_until: Option<Millis>) -> u64 {
        self.last_handle += 1;
        let handle = self.last_handle;
        let session = self.by_id.get_mut(&id).expect("the session was picked just now");
        session.free[held.pool as usize] -= 1;
        if let Some(until) = alone_until {
            session.outlived = session.held.keys().copied().collect();
            session.alone_until = Some((handle, until));
        }
        self.by_lease.insert(held.lease, (id, handle));
        session.held.insert(handle, held);
        handle
    }

    /// What a worker names by this handle.
    pub fn find(&self, id: SessionId, handle: u64) -> Option<&Held> {
        self.by_id.get(&id)?.held.get(&handle)
    }

    pub fn find_mut(&mut self, id: SessionId, handle: u64) -> Option<&mut Held> {
        self.by_id.get_mut(&id)?.held.get_mut(&handle)
    }

    /// Who holds a lease.
    pub fn holder(&self, lease: LeaseRef) -> Option<(SessionId, u64)> {
        self.by_lease.get(&lease).copied()
    }

    /// The worker has let go: its slot is free again.
    pub fn let_go(&mut self, id: SessionId, handle: u64) -> Option<Held> {
        let session = self.by_id.get_mut(&id)?;
        let held = session.held.remove(&handle)?;
        session.outlived.remove(&handle);
        session.free[held.pool as usize] += 1;
        if session.alone_until.is_some_and(|(alone, _)| alone == handle) {
            session.alone_until = None;
        }
        self.by_lease.remove(&held.lease);
        Some(held)
    }

    /// Takes a free slot away: for a bug that is planted.
    pub(crate) fn take_slot(&mut self, id: SessionId, pool: Pool) {
        if let Some(session) = self.by_id.get_mut(&id) {
            session.free[pool as usize] -= 1;
        }
    }

    /// Puts back what a worker had let go of in a turn that was not kept.
    pub fn take_back(&mut self, id: SessionId, handle: u64, held: Held) {
        let Some(session) = self.by_id.get_mut(&id) else { return };
        let slots = &mut session.free[held.pool as usize];
        *slots = slots.saturating_sub(1);
        self.by_lease.insert(held.lease, (id, handle));
        session.held.insert(handle, held);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.by_id.iter().map(|(id, session)| (*id, session))
    }

    /// When a session that is kept clear for a suspect opens for others.
    pub fn next_opening(&self, now: Millis) -> Option<Millis> {
        let untils = self.by_id.values().filter_map(|session| session.alone_until);
        untils.map(|(_, until)| until).filter(|until| *until > now).min()
    }
}
