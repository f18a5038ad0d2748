//! P36: a suspect is begun as soon as a worker is clear for it: what another suspect was begun beside,
//! after its time alone was over, keeps no further one waiting.

use std::collections::{BTreeMap, BTreeSet};

use pyflow_core::effect::Granted;

use super::invariant::{Invariant, Judged};
use super::ready_work_is_handed_out::is_free;
use crate::model::Run;
use crate::world::{Held, Scene, Worker};

/// By session: what is known of the suspect that was begun there last.
#[derive(Debug, Default)]
pub(crate) struct SuspectsGetATurn {
    begun: BTreeMap<u32, Begun>,
    /// Troubles of the disk before the process was there: with one since, what workers hold is not
    /// what it was.
    trouble_count: u64,
}

#[derive(Debug)]
struct Begun {
    handle: u64,
    /// It runs alone until then.
    until: u64,
    /// What it was begun beside.
    beside: BTreeSet<u64>,
}

impl SuspectsGetATurn {
    fn is_clear(&self, worker: &Worker, now: u64) -> bool {
        match self.begun.get(&worker.session) {
            Some(begun) if worker.holds.contains_key(&begun.handle) => now >= begun.until,
            Some(begun) => worker.holds.keys().all(|handle| begun.beside.contains(handle)),
            None => worker.holds.is_empty(),
        }
    }

    /// Whether a worker that is clear has room for an instance.
    fn has_place(&self, scene: &Scene, run: &Run, instance: usize) -> bool {
        let Some((task, _)) = run.place(instance) else { return false };
        let Some(task_type) = run.flow.tasks[task].worker_type() else { return false };
        scene
            .workers
            .present
            .iter()
            .any(|worker| worker.has_room(task_type) && self.is_clear(worker, scene.now))
    }
}

impl Invariant for SuspectsGetATurn {
    fn name(&self) -> &'static str {
        "P36 suspects get a turn"
    }

    fn reopened(&mut self, scene: &Scene) -> Judged {
        self.begun.clear();
        self.trouble_count = scene.trouble_count;
        Ok(())
    }

    fn granted(&mut self, scene: &Scene, granted: &Granted, held: &Held) -> Judged {
        let Some(entry) = scene.entry_of(held) else { return scene.no_opinion() };
        let Some(alone_ms) = entry.alone_ms() else { return scene.no_opinion() };
        let worker = scene.workers.present.iter().find(|worker| worker.session == held.session);
        let beside = worker.map(|worker| worker.holds.keys().copied().collect());
        let begun = Begun {
            handle: granted.handle,
            until: scene.now + alone_ms,
            beside: beside.unwrap_or_default(),
        };
        self.begun.insert(held.session, begun);
        Ok(())
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() || scene.trouble_count > self.trouble_count {
            return scene.no_opinion();
        }
        for run in scene.model.live().filter(|run| !run.is_blurred) {
            let waiting = (0..run.entries.len()).find(|instance| {
                run.entries[*instance].alone_ms().is_some()
                    && run.is_queued(*instance)
                    && is_free(scene, run, *instance)
                    && self.has_place(scene, run, *instance)
            });
            if let Some(instance) = waiting {
                let name = run.name(instance);
                return Err(format!(
                    "{name} of run {} is a suspect, and a worker is clear",
                    run.id
                ));
            }
        }
        Ok(())
    }
}
