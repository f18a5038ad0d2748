//! Make a definition known under its name.

use serde_json::{Map, Value};

use super::Decision;
use crate::command::DeployDefinition;
use crate::definition::Definition;
use crate::event::DefinitionDeployed;
use crate::names::shown;
use crate::rejection::Rejection;
use crate::state::State;
use crate::time::Millis;

pub(super) fn decide(state: &State, command: &DeployDefinition, now: Millis) -> Decision {
    let definition = &command.definition;
    let deployed = state.deployed(&command.namespace, &definition.name);
    if deployed.iter().any(|d| d.definition == definition.hash && d.version == definition.version) {
        let newest = deployed.last().map(|d| d.definition);
        if newest == Some(definition.hash) || definition.version.is_some() {
            return Ok(Vec::new()); // It is there already.
        }
    }
    if let Some(version) = &definition.version
        && let Some(taken) = deployed.iter().find(|d| d.version.as_ref() == Some(version))
    {
        let present = state.definition(&taken.definition);
        return Err(Rejection::DefinitionConflict {
            name: definition.name.clone(),
            version: version.clone(),
            difference: present.map_or(String::new(), |present| difference(present, definition)),
        });
    }
    let event = DefinitionDeployed {
        namespace: command.namespace.clone(),
        name: definition.name.clone(),
        version: definition.version.clone(),
        definition: definition.hash,
        at: now,
    };
    Ok(vec![event.into()])
}

/// The first thing in which two definitions differ.
fn difference(present: &Definition, wanted: &Definition) -> String {
    if present.task_count() != wanted.task_count() {
        let (had, has) = (present.task_count(), wanted.task_count());
        return format!("it has {had} tasks there and {has} here");
    }
    for task in present.tasks() {
        let (there, here) = (present.task_document(task), wanted.task_document(task));
        if let Some(difference) = first_difference(&there, &here) {
            return format!("task {:?}: {difference}", present.id(task));
        }
    }
    "its own fields differ".to_string()
}

/// The first member in which two documents differ, with both of its values.
fn first_difference(there: &Value, here: &Value) -> Option<String> {
    let (Value::Object(before), Value::Object(after)) = (there, here) else {
        return (there != here).then(|| format!("{} there and {} here", shown(there), shown(here)));
    };
    let mut names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let member =
        |object: &Map<String, Value>, name: &str| object.get(name).cloned().unwrap_or(Value::Null);
    names.find_map(|name| {
        let found = first_difference(&member(before, name), &member(after, name))?;
        Some(format!("{} {found}", shown(name)))
    })
}
