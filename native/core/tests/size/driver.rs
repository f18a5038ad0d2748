//! A shard that is turned as fast as it goes, with nothing checked.

use std::collections::VecDeque;
use std::sync::Arc;

use pyflow_core::command::{
    Command, ControlRun, DeployDefinition, Outcome, RunVerb, StartRun, Wanted,
};
use pyflow_core::definition::{Definition, Draft, DraftArg, draft_from_document};
use pyflow_core::effect::Effect;
use pyflow_core::event::TaskError;
use pyflow_core::ids::SessionId;
use pyflow_core::payload::Payload;
use pyflow_core::schedule::Pool;
use pyflow_core::shard::{Shard, ShardSettings};
use pyflow_core::state::State;
use pyflow_core::time::Millis;
use serde_json::Value;

pub(crate) const SESSION: SessionId = SessionId(1);

pub(crate) struct Driver {
    pub(crate) shard: Shard,
    pub(crate) now: Millis,
    given: VecDeque<u64>,
    /// Attempts that were handed out, in all.
    pub(crate) handed_out: usize,
}

impl Driver {
    pub(crate) fn new(slots: u32) -> Self {
        Self::around(State::default(), slots)
    }

    /// A driver of a shard that goes on from a state.
    pub(crate) fn around(state: State, slots: u32) -> Self {
        let mut shard = Shard::new(state, ShardSettings::default());
        let now = Millis(1_000);
        shard.resume(true, now);
        shard.open_session(SESSION, [slots, 0, 0]);
        shard.set_types(SESSION, vec![("work".into(), Pool::Async)]);
        Self { shard, now, given: VecDeque::new(), handed_out: 0 }
    }

    fn ask(&mut self, command: &Command) {
        self.shard.handle(command, None, self.now);
    }

    pub(crate) fn deploy(&mut self, definition: &Arc<Definition>) {
        let (namespace, definition) = ("default".into(), definition.clone());
        self.ask(&Command::DeployDefinition(DeployDefinition { namespace, definition }));
        self.pump();
    }

    pub(crate) fn start(&mut self, run_id: &str) {
        let wanted = Wanted::Name { name: "flow".into(), version: None };
        let start = StartRun::new("default", run_id, wanted);
        self.ask(&Command::StartRun(Box::new(start)));
        if self.shard.is_full() {
            self.pump();
        }
    }

    pub(crate) fn control(&mut self, run_id: &str, verb: RunVerb) {
        let (namespace, run_id) = ("default".into(), run_id.into());
        self.ask(&Command::ControlRun(ControlRun { namespace, run_id, verb }));
        self.pump();
    }

    pub(crate) fn pump(&mut self) {
        loop {
            self.shard.fire_due(self.now);
            let turn = self.shard.end_turn(self.now);
            for effect in turn.effects {
                if let Effect::Grant(granted) = effect {
                    self.given.push_back(granted.handle);
                    self.handed_out += 1;
                }
            }
            if !self.shard.has_work(self.now) {
                return;
            }
        }
    }

    /// Reports everything that is at work, as it comes, until nothing is.
    pub(crate) fn report_all(&mut self, outcome: impl Fn() -> Outcome) {
        self.pump();
        while let Some(handle) = self.given.pop_front() {
            self.shard.report(SESSION, handle, outcome(), self.now);
            if self.shard.is_full() || self.given.is_empty() {
                self.pump();
            }
        }
    }

    pub(crate) fn complete_all(&mut self) {
        self.report_all(|| Outcome::Completed { output: Payload::new("1".into()) });
    }

    pub(crate) fn fail_all(&mut self) {
        self.report_all(|| {
            let error = TaskError::of_engine("ValueError", String::new());
            Outcome::Failed { error: Box::new(error) }
        });
    }

    /// Goes on, in steps of time, until no run is left.
    pub(crate) fn run_out(&mut self) {
        while self.shard.state().runs().any(|run| !run.state().is_terminal()) {
            self.complete_all();
            if let Some(wake) = self.shard.next_wake(self.now) {
                self.now = self.now.max(wake);
            }
        }
    }
}

/// A definition of `count` tasks; `deps` gives what each depends on, the first of which it reads.
pub(crate) fn graph(count: u32, deps: impl Fn(u32) -> Vec<u32>) -> Arc<Definition> {
    let mut draft = Draft::new("flow");
    draft.type_names = vec!["work".into()];
    draft.options = vec!["{}".into()];
    draft.result = Some("1".into());
    draft.shapes = vec![vec![], vec!["value".into()]];
    for task in 0..count {
        draft.ids.push_str("task_");
        draft.ids.push_str(&task.to_string());
        draft.id_ends.push(draft.ids.len() as u32);
        let before = deps(task);
        draft.types.push(0);
        draft.option_of.push(0);
        draft.shape_of.push(u32::from(!before.is_empty()));
        draft.args.extend(before.first().map(|first| DraftArg::Output(*first)));
        draft.arg_ends.push(draft.args.len() as u32);
        draft.deps.extend(before);
        draft.dep_ends.push(draft.deps.len() as u32);
    }
    Arc::new(Definition::compile(draft).expect("the graph can be run").0)
}

/// A definition in document form.
pub(crate) fn document(document: &Value) -> Arc<Definition> {
    let draft = draft_from_document(document.to_string().as_bytes());
    let draft = draft.expect("the document is well formed");
    Arc::new(Definition::compile(draft).expect("the document can be run").0)
}
