//! Expressions of a draft, compiled and bound to the tasks that they read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::compile::Check;
use super::compiled::{ArgTemplate, BoundOptions, BoundTemplate, Branch};
use super::draft::{Draft, DraftArg, DraftBranch};
use super::lists::Lists;
use super::options::TaskOptions;
use super::problem::{Problem, hint, member};
use crate::expr::{Expression, References, Template};
use crate::ids::TaskIndex;

impl Check {
    pub(super) fn options(&mut self, draft: &Draft, id_order: &[u32]) -> Vec<BoundOptions> {
        let mut first_user: BTreeMap<u32, usize> = BTreeMap::new();
        for (task, option) in draft.option_of.iter().enumerate().rev() {
            first_user.insert(*option, task);
        }
        let mut bound = Vec::with_capacity(draft.options.len());
        for (index, text) in draft.options.iter().enumerate() {
            if self.is_full() {
                bound.push(BoundOptions::default());
                continue;
            }
            let path = format!("tasks[{}]", first_user.get(&(index as u32)).copied().unwrap_or(0));
            let options = if let Ok(Value::Object(object)) = serde_json::from_str(text) {
                TaskOptions::parse(&object, &path, &mut self.problems)
            } else {
                self.problem(path.clone(), "options must be a JSON object");
                TaskOptions::default()
            };
            let (outputs, uses_merged) = self.bind_options(&options, draft, id_order, &path);
            bound.push(BoundOptions {
                options,
                outputs,
                uses_merged,
                source: text.as_str().into(),
            });
        }
        bound
    }

    fn bind_options(
        &mut self,
        options: &TaskOptions,
        draft: &Draft,
        id_order: &[u32],
        path: &str,
    ) -> (Vec<TaskIndex>, bool) {
        let templates = [
            ("for_each", options.for_each.as_ref()),
            ("concurrency_key", options.concurrency_key.as_ref().map(|key| &key.0)),
            ("fairness_key", options.fairness_key.as_ref().map(|key| &key.0)),
        ];
        let mut outputs = Vec::new();
        let mut uses_merged = false;
        for (name, template) in templates {
            if let Some(template) = template {
                let references = template.references();
                outputs.extend(self.bind(&references, draft, id_order, &format!("{path}.{name}")));
                uses_merged |= references.uses_merged;
            }
        }
        if let Some(expression) = &options.condition {
            let references = expression.references();
            outputs.extend(self.bind(&references, draft, id_order, &format!("{path}.condition")));
            uses_merged |= references.uses_merged;
        }
        (outputs, uses_merged)
    }

    /// The tasks whose outputs are named.
    fn bind(
        &mut self,
        refs: &References,
        draft: &Draft,
        order: &[u32],
        path: &str,
    ) -> Vec<TaskIndex> {
        let mut tasks = Vec::with_capacity(refs.outputs.len());
        for id in &refs.outputs {
            if self.is_full() {
                break;
            }
            let place = order.binary_search_by(|task| draft.id(*task as usize).cmp(id));
            if let Ok(place) = place {
                tasks.push(TaskIndex(order[place]));
                continue;
            }
            let ids = (0..draft.task_count()).map(|task| draft.id(task));
            let hint = hint(self.problems.len(), id, ids);
            let id = crate::names::shown(id);
            self.problem(path, format!("output.{id}: no task has the id {id:?}{hint}"));
        }
        tasks
    }

    pub(super) fn templates(
        &mut self,
        draft: &Draft,
        id_order: &[u32],
    ) -> (Vec<ArgTemplate>, Lists) {
        let mut first_users = vec![0; draft.templates.len()];
        for task in (0..draft.task_count()).rev() {
            for arg in draft.args_of(task) {
                if let DraftArg::Template(index) = arg {
                    first_users[*index as usize] = task as u32;
                }
            }
        }
        let mut templates = Vec::with_capacity(draft.templates.len());
        let mut lists = Lists::default();
        for (index, text) in draft.templates.iter().enumerate() {
            if self.is_full() {
                break;
            }
            let task = first_users[index] as usize;
            let name = parameter_name(draft, task, DraftArg::Template(index as u32));
            let path = format!("tasks[{task}].parameters{name}");
            let Some((template, named)) = self.template(text, draft, id_order, &path) else {
                continue;
            };
            let list = lists.take(&template, text, &named.ids, &named.tasks);
            templates.push(list.map_or_else(
                || ArgTemplate::Bound(Box::new(named.bound(template, text))),
                ArgTemplate::List,
            ));
        }
        (templates, lists.finished())
    }

    fn template(
        &mut self,
        text: &str,
        draft: &Draft,
        order: &[u32],
        path: &str,
    ) -> Option<(Template, Named)> {
        match Template::compile(text.as_bytes()) {
            Err(error) => {
                self.problems.push(Problem::of_expression(path, &error));
                None
            }
            Ok(template) => {
                let references = template.references();
                let tasks = self.bind(&references, draft, order, path);
                let uses_merged = references.uses_merged;
                Some((template, Named { ids: references.outputs, tasks, uses_merged }))
            }
        }
    }

    pub(super) fn result(&mut self, draft: &Draft, id_order: &[u32]) -> Option<BoundTemplate> {
        let text = draft.result.as_deref()?;
        let (template, named) = self.template(text, draft, id_order, "result")?;
        Some(named.bound(template, text))
    }

    pub(super) fn branches(
        &mut self,
        draft: &Draft,
        id_order: &[u32],
    ) -> BTreeMap<u32, Vec<Branch>> {
        let mut branches: BTreeMap<u32, Vec<Branch>> = BTreeMap::new();
        for branch in &draft.branches {
            if self.is_full() {
                break;
            }
            let place = branches.get(&branch.decision).map_or(0, Vec::len);
            let path = format!("tasks[{}].parameters.conditions[{place}]", branch.decision);
            let own_path = format!("{path}.condition");
            match Expression::compile_either(&branch.condition) {
                Err(error) => {
                    let error = error.in_text(&branch.condition);
                    self.problems.push(Problem::of_expression(&own_path, &error));
                }
                Ok(condition) => {
                    let references = condition.references();
                    let outputs = self.bind(&references, draft, id_order, &own_path);
                    let uses_merged = references.uses_merged;
                    let targets: Vec<TaskIndex> =
                        branch.targets.iter().map(|task| TaskIndex(*task)).collect();
                    let mut sorted_targets = targets.clone();
                    sorted_targets.sort_unstable();
                    branches.entry(branch.decision).or_default().push(Branch {
                        condition,
                        targets,
                        sorted_targets,
                        outputs,
                        uses_merged,
                        source: branch.condition.clone(),
                    });
                }
            }
            self.branch_edges(draft, branch, &path);
        }
        branches
    }

    /// A branch leads along edges: what it names depends on its decision.
    fn branch_edges(&mut self, draft: &Draft, branch: &DraftBranch, path: &str) {
        for target in &branch.targets {
            if self.is_full() {
                break;
            }
            if !draft.deps_of(*target as usize).contains(&branch.decision) {
                let decision = draft.id(branch.decision as usize);
                let target = draft.id(*target as usize);
                let message = format!(
                    "{target:?} does not depend on {decision:?}; add {decision:?} to its depends_on"
                );
                self.problem(format!("{path}.next_task"), message);
            }
        }
    }
}

/// What a template names: ids in order, and the tasks that have them.
struct Named {
    ids: Vec<Arc<str>>,
    tasks: Vec<TaskIndex>,
    uses_merged: bool,
}

impl Named {
    fn bound(self, template: Template, source: &str) -> BoundTemplate {
        let Self { tasks: outputs, uses_merged, .. } = self;
        BoundTemplate { template, outputs, uses_merged, source: source.into() }
    }
}

/// `.name` of the parameter that an argument fills, where it has one.
fn parameter_name(draft: &Draft, task: usize, arg: DraftArg) -> String {
    let shape = &draft.shapes[draft.shape_of[task] as usize];
    let place = draft.args_of(task).iter().position(|other| *other == arg);
    place.and_then(|place| shape.get(place)).map_or(String::new(), |name| member(name))
}
