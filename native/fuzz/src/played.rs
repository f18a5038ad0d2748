//! A shard that is played for a while, so that there are events and checkpoints to begin from: those
//! of this version, whatever that is.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pyflow_core::command::{
    Command, ControlRun, DeployDefinition, Outcome, RunVerb, StartRun, Wanted,
};
use pyflow_core::definition::{Definition, definition_of_document};
use pyflow_core::effect::Effect;
use pyflow_core::event::TaskError;
use pyflow_core::ids::SessionId;
use pyflow_core::payload::Payload;
use pyflow_core::schedule::Pool;
use pyflow_core::shard::{Shard, ShardSettings};
use pyflow_core::state::State;
use pyflow_core::time::Millis;

const SESSION: SessionId = SessionId(1);
const NAMESPACE: &str = "default";
const BEGINNING: Millis = Millis(1_795_000_000_000);
const STEP_COUNT: usize = 60;

/// The definitions that are played: every kind of node, and what can go wrong with one.
pub(crate) const DOCUMENTS: [&str; 3] = [
    include_str!("../corpus/definition/decide.json"),
    include_str!("../corpus/definition/map.json"),
    include_str!("../corpus/definition/mend.json"),
];

/// What was recorded on the way.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The stored form of each turn's events.
    pub(crate) turns: Vec<Vec<u8>>,
    /// The shard's checkpoint after each turn, and those of its runs.
    pub(crate) shards: Vec<Vec<u8>>,
    pub(crate) runs: Vec<Vec<u8>>,
}

fn compiled() -> &'static [(Arc<Definition>, Bytes)] {
    static COMPILED: OnceLock<Vec<(Arc<Definition>, Bytes)>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let compile = |document: &&str| {
            let (definition, stored) =
                definition_of_document(document.as_bytes()).expect("it can be run");
            (Arc::new(definition), stored)
        };
        DOCUMENTS.iter().map(compile).collect()
    })
}

pub(crate) fn definitions() -> &'static [Arc<Definition>] {
    static DEFINITIONS: OnceLock<Vec<Arc<Definition>>> = OnceLock::new();
    DEFINITIONS
        .get_or_init(|| compiled().iter().map(|(definition, _)| definition.clone()).collect())
}

pub(crate) fn stored_definitions() -> Vec<Vec<u8>> {
    compiled().iter().map(|(_, stored)| stored.to_vec()).collect()
}

/// Plays each definition twice: once with a worker that does well, once with one that does not.
pub(crate) fn played() -> Played {
    let mut played = Played::default();
    let mut shard = Shard::new(State::default(), ShardSettings::default());
    shard.resume(true, BEGINNING);
    shard.open_session(SESSION, [4, 4, 4]);
    shard.set_types(SESSION, vec![("work".into(), Pool::Async)]);
    for definition in definitions() {
        let (namespace, definition) = (NAMESPACE.into(), definition.clone());
        let deploy = DeployDefinition { namespace, definition };
        shard.handle(&Command::DeployDefinition(deploy), None, BEGINNING);
    }
    for (place, definition) in definitions().iter().enumerate() {
        for run_id in [format!("well-{place}"), format!("ill-{place}")] {
            shard.handle(&start(&run_id, &definition.name), None, BEGINNING);
        }
    }
    play(&mut shard, &mut played);
    played
}

fn start(run_id: &str, name: &str) -> Command {
    Command::StartRun(Box::new(StartRun {
        namespace: NAMESPACE.into(),
        run_id: run_id.into(),
        chosen: true,
        key: None,
        wanted: Wanted::Name { name: name.into(), version: None },
        input: Payload::new(Bytes::from_static(b"{\"list\":[1,2,3],\"flag\":true}")),
        priority: None,
        deadline_ms: None,
        consistency: None,
        metadata: Some(Bytes::from_static(b"{\"customer\":7}")),
        created_by: Some("a test".into()),
    }))
}

/// Goes on until nothing is left to do, and keeps what is recorded.
fn play(shard: &mut Shard, played: &mut Played) {
    let mut now = BEGINNING;
    for step in 0..STEP_COUNT {
        shard.fire_due(now);
        let turn = shard.end_turn(now);
        played.turns.push(turn.encoded);
        played.shards.push(shard.state().encode_shard());
        let numbers: Vec<_> = shard.state().runs().map(pyflow_core::state::Run::number).collect();
        for number in numbers {
            played.runs.extend(shard.state().encode_run(number).map(|(bytes, _)| bytes));
        }
        let granted = turn.effects.into_iter().filter_map(|effect| {
            if let Effect::Grant(granted) = effect { Some(granted.handle) } else { None }
        });
        for (place, handle) in granted.enumerate() {
            shard.report(SESSION, handle, outcome(step + place), now);
        }
        if let Some(verb) = verb(step) {
            let (namespace, run_id) = (NAMESPACE.into(), "ill-2".into());
            let control = ControlRun { namespace, run_id, verb };
            shard.handle(&Command::ControlRun(control), None, now);
        }
        now = shard.next_wake(now).map_or(now, |wake| now.max(wake));
    }
}

fn outcome(place: usize) -> Outcome {
    if place % 4 == 3 {
        let error = TaskError::of_engine("ValueError", "it went wrong".into());
        return Outcome::Failed { error: Box::new(error) };
    }
    Outcome::Completed { output: Payload::new(Bytes::from_static(b"{\"value\":4.5}")) }
}

fn verb(step: usize) -> Option<RunVerb> {
    match step {
        2 => Some(RunVerb::Pause),
        4 => Some(RunVerb::Resume),
        6 => Some(RunVerb::Cancel { reason: "enough".into() }),
        _ => None,
    }
}
