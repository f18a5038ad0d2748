//! All runs, and the life of each as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use pyflow_core::consistency::Consistency;
use pyflow_core::event::{Event, RunCreated, RunsForgotten, TaskLeased};
use pyflow_core::ids::{DefinitionHash, InstanceIndex};

use super::entry::{End, Entry, Phase};
use super::keys::Metered;
use super::run::{Downfall, Recorded, Run};
use super::stage::{Stage, Stop};
use super::told::told;
use crate::flows::Flow;

/// How long an idempotency key outlives its run.
pub(crate) const KEY_KEPT_MS: u64 = 24 * 3_600_000;

/// What the log has told so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) position: u64,
    /// The last position of each epoch that has written anything.
    pub(crate) ends: BTreeMap<u32, u64>,
    pub(crate) runs: BTreeMap<u64, Run>,
    /// The number of the run that an id was last given to.
    pub(crate) ids: BTreeMap<String, u64>,
    /// Ids of runs that were forgotten.
    pub(crate) forgotten: BTreeSet<String>,
    /// The kinds of the events of each turn, by its position.
    pub(crate) turns: BTreeMap<u64, Vec<&'static str>>,
    /// What was deployed, in order.
    pub(crate) deployed: Vec<DefinitionHash>,
    /// When tasks that have a rate were handed out, by what they are counted under.
    pub(crate) metered: BTreeMap<Metered, Vec<u64>>,
    /// Everything that was ever drawn, by the hash that the core gave it.
    pub(crate) flows: BTreeMap<DefinitionHash, Rc<Flow>>,
    /// Until when a worker may be kept free of all but one suspect.
    pub(crate) alone_until: u64,
    /// The latest time on record.
    pub(crate) latest: u64,
}

impl Model {
    /// The same with an empty log.
    pub(crate) fn emptied(&self) -> Self {
        Self { flows: self.flows.clone(), ..Self::default() }
    }

    pub(crate) fn run(&self, number: u64) -> Option<&Run> {
        self.runs.get(&number)
    }

    pub(crate) fn by_id(&self, run_id: &str) -> Option<&Run> {
        self.ids.get(run_id).and_then(|number| self.runs.get(number))
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(|run| !run.stage.has_ended())
    }

    /// Takes an event in, whether it is right or wrong: that is judged before.
    pub(crate) fn take(&mut self, position: u64, event: &Event) {
        self.position = position;
        self.latest = self.latest.max(event.at().0);
        self.turns.entry(position).or_default().push(event.kind());
        match event {
            Event::DefinitionDeployed(deployed) => self.deployed.push(deployed.definition),
            Event::RunCreated(created) => self.create(created, position),
            Event::RunsForgotten(forgotten) => self.forget(forgotten),
            Event::TaskLeased(leased) => self.note_lease(leased),
            Event::RunStarted(_)
            | Event::RunPaused(_)
            | Event::RunResumed(_)
            | Event::RunCancelRequested(_)
            | Event::RunDeadlineExceeded(_)
            | Event::RunCompleted(_)
            | Event::RunFailed(_)
            | Event::RunCancelled(_)
            | Event::RunReopened(_)
            | Event::TaskCompleted(_)
            | Event::TaskFailed(_)
            | Event::TaskRetrying(_)
            | Event::TaskSkipped(_)
            | Event::TaskCancelled(_)
            | Event::TaskQuarantined(_)
            | Event::LeaseEnded(_)
            | Event::TaskCancelRequested(_)
            | Event::BackoffEnded(_)
            | Event::TaskSaid(_)
            | Event::TaskRecovered(_)
            | Event::DecisionTaken(_)
            | Event::GatewayPassed(_)
            | Event::MapExpanded(_)
            | Event::TimerStarted(_)
            | Event::TimerFired(_) => {}
        }
        let Some(run) = event.run().and_then(|number| self.runs.get_mut(&number.0)) else { return };
        run.history.push(Recorded {
            kind: event.kind(),
            at: event.at().0,
            instance: event.instance().map(InstanceIndex::index),
            told: told(event),
        });
        run.position = position;
        run.move_by(event);
        run.take_task(event);
        run.conclude(event.at().0);
    }

    /// What is forgotten is not known any more, and its id is free.
    fn forget(&mut self, forgotten: &RunsForgotten) {
        for (number, _) in &forgotten.runs {
            let Some(run) = self.runs.remove(&number.0) else { continue };
            if self.ids.get(&run.id) == Some(&run.number) {
                self.ids.remove(&run.id);
            }
            self.forgotten.insert(run.id);
        }
    }

    fn note_lease(&mut self, leased: &TaskLeased) {
        let Some(run) = self.runs.get(&leased.run.0) else { return };
        if let Some(metered) = Metered::of(run, leased.instance.index()) {
            self.metered.entry(metered).or_default().push(leased.at.0);
        }
        let alone_ms = run.entries.get(leased.instance.index()).and_then(Entry::alone_ms);
        if let Some(alone_ms) = alone_ms {
            self.alone_until = self.alone_until.max(leased.at.0 + alone_ms);
        }
    }

    fn create(&mut self, created: &RunCreated, position: u64) {
        let Some(flow) = self.flows.get(&created.definition).cloned() else { return };
        let input = created.input.json();
        let run = Run {
            number: created.run.0,
            id: created.run_id.to_string(),
            key: created.key.as_deref().map(String::from),
            first_key: created.key.as_deref().map(String::from),
            flag: input.windows(4).any(|word| word == b"true"),
            definition: created.definition,
            resumed_at: 0,
            priority: created.priority,
            deadline_at: created.deadline_at.map(|at| at.0),
            is_eventual: created.consistency == Consistency::Eventual as u8,
            stage: Stage::Created,
            stop: None,
            stop_reason: None,
            metadata: created.metadata.clone(),
            created_by: created.created_by.as_deref().map(String::from),
            created_at: created.at.0,
            created_position: position,
            started_at: None,
            ended_at: None,
            generation: 0,
            result: None,
            downfall: None,
            history: Vec::new(),
            lines: Vec::new(),
            failure_count: 0,
            position: 0,
            entries: flow.tasks.iter().map(|_| Entry::new()).collect(),
            maps: BTreeMap::new(),
            items_of: BTreeMap::new(),
            former_maps: Vec::new(),
            is_blurred: false,
            flow,
        };
        self.ids.insert(run.id.clone(), run.number);
        self.runs.insert(run.number, run);
    }
}

impl Run {
    /// What an event does to the run as a whole.
    fn move_by(&mut self, event: &Event) {
        let at = event.at().0;
        match event {
            Event::RunStarted(_) => {
                self.stage = Stage::Running;
                self.started_at = Some(at);
            }
            Event::RunPaused(_) => self.stage = Stage::Paused,
            Event::RunResumed(_) => {
                self.resumed_at = at;
                let was_started = self.started_at.is_some();
                self.stage = if was_started { Stage::Running } else { Stage::Created };
            }
            Event::RunCancelRequested(requested) => {
                self.stop_reason = Some(requested.reason.clone());
                self.stop(Stop::Cancel);
            }
            Event::RunDeadlineExceeded(_) => self.stop(Stop::Deadline),
            Event::RunCompleted(completed) => {
                self.result = Some(completed.result.json());
                self.ends(Stage::Completed, at);
            }
            Event::RunFailed(failed) => {
                let instance = failed.instance.map(InstanceIndex::index);
                let error = Rc::new((*failed.error).clone());
                self.downfall = Some(Downfall { instance, error });
                self.ends(Stage::Failed, at);
            }
            Event::RunCancelled(_) => self.ends(Stage::Cancelled, at),
            Event::RunReopened(_) => {
                if self.ended_at.is_some_and(|ended_at| ended_at + KEY_KEPT_MS <= at) {
                    self.key = None; // It stands for another run by now, or for none.
                }
                self.stage = Stage::Running;
                self.ended_at = None;
                self.downfall = None;
                self.generation += 1;
                self.started_at.get_or_insert(at);
                self.deadline_at = self.deadline_at.filter(|deadline| *deadline > at);
                self.reopen();
            }
            Event::DefinitionDeployed(_)
            | Event::RunsForgotten(_)
            | Event::RunCreated(_)
            | Event::TaskLeased(_)
            | Event::TaskCompleted(_)
            | Event::TaskFailed(_)
            | Event::TaskRetrying(_)
            | Event::TaskSkipped(_)
            | Event::TaskCancelled(_)
            | Event::TaskQuarantined(_)
            | Event::LeaseEnded(_)
            | Event::TaskCancelRequested(_)
            | Event::BackoffEnded(_)
            | Event::TaskSaid(_)
            | Event::TaskRecovered(_)
            | Event::DecisionTaken(_)
            | Event::GatewayPassed(_)
            | Event::MapExpanded(_)
            | Event::TimerStarted(_)
            | Event::TimerFired(_) => {}
        }
    }

    /// Nothing of a stopped run begins any more; what workers hold is waited for.
    fn stop(&mut self, stop: Stop) {
        self.stage = Stage::Stopping;
        self.stop = Some(stop);
        for entry in &mut self.entries {
            if entry.end().is_none() && entry.lease().is_none() {
                entry.ends(End::Cancelled);
                entry.is_stopped = true;
            }
        }
    }

    fn ends(&mut self, stage: Stage, at: u64) {
        self.stage = stage;
        self.ended_at = Some(at);
        if let Some(handler) = self.flow.on_error
            && self.entries[handler].phase == Phase::Waiting
        {
            self.entries[handler].ends(End::Skipped);
        }
    }
}
