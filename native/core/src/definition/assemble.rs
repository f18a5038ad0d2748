//! From a draft that was checked to the definition that runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compiled::{
    ArgTemplate, BoundOptions, BoundTemplate, Branch, Definition, Handler, Kind,
};
use super::defaults::Defaults;
use super::draft::Draft;
use super::lists::Lists;
use crate::expr::transform::Transform;
use crate::graph::Graph;
use crate::ids::{DefinitionHash, TaskIndex};

/// What the checks made on their way.
pub(super) struct Parts {
    pub(super) id_order: Vec<u32>,
    pub(super) graph: Graph,
    pub(super) options: Vec<BoundOptions>,
    pub(super) templates: Vec<ArgTemplate>,
    pub(super) lists: Lists,
    pub(super) result: Option<BoundTemplate>,
    pub(super) defaults: Defaults,
    pub(super) branches: BTreeMap<u32, Vec<Branch>>,
    pub(super) handlers: BTreeMap<u32, Handler>,
    pub(super) transforms: BTreeMap<u32, Transform>,
}

pub(super) fn assemble(draft: Draft, hash: DefinitionHash, parts: Parts) -> Definition {
    let arc = |names: Vec<String>| names.into_iter().map(Arc::from).collect::<Vec<Arc<str>>>();
    let type_names = arc(draft.type_names);
    let mut deciders: BTreeMap<u32, Vec<TaskIndex>> = BTreeMap::new();
    for branch in &draft.branches {
        for target in &branch.targets {
            let deciders = deciders.entry(*target).or_default();
            if !deciders.contains(&TaskIndex(branch.decision)) {
                deciders.push(TaskIndex(branch.decision));
            }
        }
    }
    let handled = parts.handlers.iter().map(|(owner, h)| (h.task.0, TaskIndex(*owner))).collect();
    let mut definition = Definition {
        name: draft.name.into(),
        version: draft.version.map(Arc::from),
        title: draft.title,
        description: draft.description,
        hash,
        deadline_ms: draft.deadline_ms,
        consistency: draft.consistency,
        max_concurrent_tasks: draft.max_concurrent_tasks,
        on_error: draft.on_error.map(TaskIndex),
        kinds: type_names.iter().map(|name| Kind::of(name)).collect(),
        type_names,
        shapes: draft.shapes.into_iter().map(arc).collect(),
        options: parts.options,
        consts: draft.consts.shared(),
        templates: parts.templates,
        lists: parts.lists,
        ids: draft.ids.into_boxed_str(),
        id_ends: draft.id_ends,
        id_order: parts.id_order,
        types: draft.types,
        shape_of: draft.shape_of,
        option_of: draft.option_of,
        arg_ends: draft.arg_ends,
        args: draft.args,
        graph: parts.graph,
        branches: parts.branches,
        deciders,
        transforms: parts.transforms,
        handlers: parts.handlers,
        handled,
        result: parts.result,
        defaults: parts.defaults,
        reader_counts: Vec::new(),
    };
    definition.reader_counts = reader_counts(&definition);
    definition
}

fn reader_counts(definition: &Definition) -> Vec<u32> {
    let kept = u32::from(definition.result.is_none());
    let mut counts = vec![kept; definition.task_count()];
    for task in definition.tasks() {
        definition.for_each_read(task, |source| counts[source.index()] += 1);
    }
    for handler in definition.handlers.values().filter(|handler| handler.recovers) {
        counts[handler.task.index()] += 1; // The task that it handles takes its output over.
    }
    if let Some(result) = &definition.result {
        result.outputs.iter().for_each(|source| counts[source.index()] += 1);
    }
    counts
}
