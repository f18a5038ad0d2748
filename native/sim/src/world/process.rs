//! The process: opened, turned, killed, closed, and opened again.

use std::collections::BTreeMap;

use pyflow_core::schedule::Pool;
use pyflow_engine::{Engine, EngineSettings, Request};

use super::guard::{Ended, guarded};
use super::judged::{Failure, World};
use super::workers::{TYPES, Worker, pool_of};
use crate::disk::Trouble;
use crate::probes;

impl World {
    /// Opens the store with a new process, and lets its workers connect.
    pub(crate) fn open(&mut self) -> Result<(), Failure> {
        loop {
            if self.scene.disk.lose_torn() > 0 {
                self.scene.tally.probe(probes::TORN_LOST);
            }
            let settings = self.settings();
            let disk = self.scene.disk.clone();
            let opened = guarded(|| {
                let log = disk.open().map_err(pyflow_engine::Refusal::from)?;
                let epoch = pyflow_store::Log::epoch(&log);
                Engine::open_on(Box::new(log), &settings).map(|engine| (epoch, engine))
            });
            let had_trouble = self.count_troubles();
            self.has_called(&opened)?;
            let refused = opened.as_ref().ok().and_then(|opened| opened.as_ref().err());
            let refused = refused.filter(|_| !had_trouble);
            self.ask_all(|invariant, scene| invariant.tried_to_open(scene, refused))?;
            match opened {
                Ok(Ok((epoch, engine))) => {
                    self.scene.now = engine.now_ms();
                    self.scene.trace.tell(format_args!("process {epoch} at {}", self.scene.now));
                    self.scene.epoch = epoch;
                    self.scene.engine = Some(engine);
                    return self.opened();
                }
                Ok(Err(refusal)) => {
                    self.scene.tally.probe(probes::AN_OPENING_FAILED);
                    self.scene.trace.tell(format_args!("not opened: {}", refusal.code));
                }
                Err(Ended::Killed) => {
                    self.scene.tally.probe(probes::KILLED_WHILE_OPENING);
                    self.scene.trace.tell(format_args!("killed while opening"));
                }
                Err(Ended::Broke(_)) => {} // It is judged by now.
            }
        }
    }

    /// Judges how a call of the code under test has ended.
    fn has_called<T>(&mut self, outcome: &Result<T, Ended>) -> Result<(), Failure> {
        let broken = match outcome {
            Err(Ended::Broke(words)) => Some(words.as_str()),
            Err(Ended::Killed) | Ok(_) => None,
        };
        self.ask_all(|invariant, scene| invariant.called(scene, broken))
    }

    fn settings(&self) -> EngineSettings {
        let swarm = &self.scene.swarm;
        EngineSettings {
            inline: true,
            manual_clock: true,
            clock_at_ms: Some(self.scene.now),
            max_concurrent_runs: swarm.max_concurrent_runs,
            strategy: swarm.strategy,
            default_timeout_ms: swarm.default_timeout_ms,
            checkpoint_size: swarm.checkpoint_size,
            // Several slices a checkpoint, so that the process also dies between two of them.
            trim_size: (swarm.checkpoint_size / 4).min(1_000) as usize,
            turn_event_count_max: swarm.turn_event_count_max,
            sweep_count_min: swarm.sweep_count_min,
            retention_ms: swarm.retention_ms,
            ..EngineSettings::default()
        }
    }

    fn opened(&mut self) -> Result<(), Failure> {
        let kept = self.scene.disk.turns().len();
        if kept < self.scene.turn_count {
            self.scene.tally.probe(probes::LOST_WITH_POWER);
            self.fold_again()?;
        }
        self.ask_all(|invariant, scene| invariant.reopened(scene))?;
        for _ in 0..self.scene.swarm.worker_count {
            self.connect_worker();
        }
        self.pump()
    }

    /// A worker connects, with the seed's slots and some of the types.
    pub(crate) fn connect_worker(&mut self) {
        let Some(engine) = &self.scene.engine else { return };
        let session = engine.new_session();
        let mut dice = self.scene.dice.aside(&format!("types of worker {session}"));
        let percent = self.scene.swarm.known_percent;
        let known = TYPES.iter().map(|(name, _)| *name).filter(|_| dice.chance(percent)).collect();
        self.connect(session, known);
    }

    /// One connects that knows all types, unless there is one.
    pub(crate) fn connect_able_worker(&mut self) {
        let Some(engine) = &self.scene.engine else { return };
        let is_able = |worker: &Worker| !worker.is_draining && worker.types.len() == TYPES.len();
        if !self.scene.workers.present.iter().any(is_able) {
            self.connect(engine.new_session(), TYPES.iter().map(|(name, _)| *name).collect());
        }
    }

    fn connect(&mut self, session: u32, types: Vec<&'static str>) {
        let Some(engine) = &self.scene.engine else { return };
        let slots = self.scene.swarm.slots;
        let pools = [Pool::Async, Pool::Thread, Pool::Process];
        let told = |names: &[&'static str]| Request::SetTypes {
            session,
            types: names.iter().map(|name| ((*name).into(), pools[pool_of(name)])).collect(),
        };
        // What it learns later adds to what it has told before.
        let (first, more) = types.split_at(types.len() / 2);
        for request in [Request::OpenSession { session, slots }, told(first), told(more)] {
            engine.submit(request).expect("what workers say is always taken");
        }
        self.scene.trace.tell(format_args!("worker {session} knows {types:?}"));
        let (is_draining, holds) = (false, BTreeMap::default());
        self.scene.workers.present.push(Worker { session, types, slots, is_draining, holds });
    }

    /// Turns the ring, and takes in what came of it. A process that died is opened again.
    pub(crate) fn pump(&mut self) -> Result<(), Failure> {
        let Some(engine) = &self.scene.engine else { return Ok(()) };
        let took_writes = self.scene.takes_writes();
        let turned = guarded(|| engine.pump());
        let had_trouble = self.count_troubles();
        if had_trouble || !took_writes {
            self.scene.workers.awaited_anew_at = self.scene.now;
        }
        self.take_in()?;
        self.has_called(&turned)?;
        if matches!(turned, Err(Ended::Killed)) {
            return self.die_and_return();
        }
        if self.scene.disk.is_broken() {
            self.scene.tally.probe(probes::STOPPED_BY_STORE);
            return self.die_and_return();
        }
        if !had_trouble {
            self.ask_all(|invariant, scene| invariant.settled(scene))?;
        }
        let delay_ms = self.scene.disk.take_delay_ms();
        if delay_ms > 0 {
            self.move_clock(delay_ms);
        }
        Ok(())
    }

    /// Takes in what the disk has got, then what was heard.
    fn take_in(&mut self) -> Result<(), Failure> {
        let before = self.scene.turn_count;
        self.take_turns()?;
        self.scene.is_quiet = self.scene.turn_count == before;
        self.scene.workers.were_heard(self.scene.now);
        self.hear()
    }

    /// Moves the clock of the living process.
    pub(crate) fn move_clock(&mut self, span_ms: u64) {
        let Some(engine) = &self.scene.engine else { return };
        engine.advance(span_ms);
        self.scene.now = engine.now_ms();
        self.scene.tally.simulated_ms += span_ms;
        if span_ms >= 100 {
            self.scene.disk.sync(); // As a store does by itself within 100 ms.
        }
    }

    /// The process dies where it stands.
    pub(crate) fn die(&mut self) {
        self.scene.engine = None;
        self.scene.workers.lose_all();
        self.scene.ledger.lose_all();
        self.scene.trace.tell(format_args!("the process is gone"));
    }

    pub(crate) fn die_and_return(&mut self) -> Result<(), Failure> {
        self.die();
        self.open()
    }

    /// The process ends politely, and another one takes over.
    pub(crate) fn close_and_return(&mut self) -> Result<(), Failure> {
        self.scene.workers.are_leaving = true;
        if let Some(engine) = &self.scene.engine {
            let closed = guarded(|| engine.close());
            self.count_troubles();
            self.take_in()?;
            self.has_called(&closed)?;
        }
        self.scene.workers.are_leaving = false;
        self.die_and_return()
    }

    /// Counts what has befallen the disk; tells whether anything has.
    fn count_troubles(&mut self) -> bool {
        let (befallen, full) = self.scene.disk.take_befallen();
        self.scene.trouble_count += befallen.len() as u64 + full;
        for trouble in &befallen {
            self.scene.trace.tell(format_args!("trouble: {trouble:?}"));
            self.scene.tally.fault(match trouble {
                Trouble::KilledBefore => "killed before a call of the store",
                Trouble::KilledAfter => "killed after a call of the store",
                Trouble::Torn { .. } => "torn write",
                Trouble::SyncFails => "failed sync",
                Trouble::WriteFails => "failed write",
                Trouble::Refused => "refused write",
                Trouble::CheckpointRefused => "refused checkpoint",
                Trouble::Misread => "misread block",
                Trouble::Slow { .. } => "slow call of the store",
            });
        }
        if full > 0 {
            self.scene.tally.fault("full disk");
        }
        for (count, probe) in
            self.scene.disk.take_kept().into_iter().zip([probes::CHECKPOINT, probes::TRIMMED])
        {
            (0..count).for_each(|_| self.scene.tally.probe(probe));
        }
        full > 0 || befallen.iter().any(|trouble| !matches!(trouble, Trouble::Slow { .. }))
    }
}
