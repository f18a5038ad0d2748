//! The world as a seed finds it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use pyflow_core::definition::{Definition, draft_from_document};

use crate::dice::Dice;
use crate::disk::Disk;
use crate::flows::{self, Flow};
use crate::model::Model;
use crate::swarm::Swarm;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::world::{Drawn, Ledger, Mirror, Scene, Workers, World};

/// In the year 2026.
const BEGINNING_MS: u64 = 1_795_000_000_000;

/// An empty store, the definitions of the seed, and no process yet.
pub(super) fn world(dice: &mut Dice, trace: Trace, has_canary: bool) -> World {
    let swarm = Swarm::draw(dice);
    let mut scene = Scene {
        disk: Disk::new(),
        engine: None,
        epoch: 0,
        now: BEGINNING_MS,
        model: Model::default(),
        mirror: Mirror::default(),
        ledger: Ledger::default(),
        workers: Workers::default(),
        flows: Vec::new(),
        tally: Tally::default(),
        trace,
        dice: dice.fork(),
        run_ids: Vec::new(),
        turn_count: 0,
        is_quiet: false,
        trouble_count: 0,
        is_calm: false,
        had_no_opinion: Cell::new(false),
        swarm,
    };
    for index in 0..scene.swarm.flow_count {
        let (count, limits) = (scene.swarm.task_count, scene.swarm.limits);
        let mut flow = flows::draw(dice, &format!("flow{index}"), count, limits);
        flow.version = dice.aside("first version").chance(40).then(|| "1".to_string());
        add_flow(&mut scene, flow);
    }
    // Another definition for a name that is taken, to be deployed later.
    let (count, limits) = (scene.swarm.task_count, scene.swarm.limits);
    let mut next = flows::draw(dice, "flow0", count, limits);
    next.version = dice.chance(50).then(|| "2".to_string());
    let version = next.version.clone();
    add_flow(&mut scene, next);
    if dice.chance(30) {
        // And one that has other content under the same version.
        let mut other = flows::draw(dice, "flow0", count, limits);
        other.version = version;
        add_flow(&mut scene, other);
    }
    World::new(scene, has_canary)
}

/// Has the core compile a definition, and notes what it was drawn as.
pub(super) fn add_flow(scene: &mut Scene, flow: Flow) {
    let document = flows::document(&flow);
    scene.trace.tell(format_args!("definition {document}"));
    let draft = draft_from_document(document.to_string().as_bytes())
        .unwrap_or_else(|problems| panic!("{problems:?} in {document}"));
    let (definition, stored) =
        Definition::compile(draft).unwrap_or_else(|problems| panic!("{problems:?} in {document}"));
    let ids: Vec<&str> = definition.tasks().map(|task| definition.id(task)).collect();
    let drawn: Vec<&str> = flow.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, drawn, "a definition keeps its tasks in their order");
    let definition = Arc::new(definition);
    scene.mirror.definitions.insert(definition.hash, definition.clone());
    scene.flows.push(Drawn { definition: definition.clone(), stored });
    scene.model.flows.insert(definition.hash, Rc::new(flow));
}
