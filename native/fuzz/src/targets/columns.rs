//! Definitions as columns of numbers: what a traced workflow crosses the border as.

use pyflow_core::definition::{Definition, Draft, DraftArg, DraftBranch, DraftHandler};

use super::feed::Feed;

const TASK_COUNT_MAX: u8 = 12;
const OPTIONS: [&str; 6] = [
    "{}",
    r#"{"max_retries":2,"timeout_s":3}"#,
    r#"{"join":"any_success"}"#,
    r#"{"for_each":"${input.list}"}"#,
    r#"{"condition":"input.flag"}"#,
    r#"{"max_retries":-1}"#,
];
/// One output as it is, one of an input, no JSON, and lists of whole outputs.
const TEMPLATES: [&str; 6] = [
    "\"${output.task_0}\"",
    "\"${input.a}\"",
    "{",
    "[\"${output.task_0}\"]",
    "[\"${output.task_1}\",\"${output.task_0}\"]",
    "[\"${output.task_0}\",\"${output.task_0}\"]",
];

fn texts(listed: &[&str]) -> Vec<String> {
    listed.iter().map(ToString::to_string).collect()
}

pub fn target(data: &[u8]) {
    let mut feed = Feed::new(data);
    let draft = draft(&mut feed);
    let Ok((definition, stored)) = Definition::compile(draft) else { return };
    let count = definition.task_count() as u32;
    for task in definition.tasks() {
        let around = [definition.predecessors(task), definition.successors(task)];
        assert!(around.into_iter().flatten().all(|other| *other < count), "neighbours are tasks");
    }
    let read = Definition::from_stored(&stored).expect("what was accepted is read back");
    assert_eq!(read.hash, definition.hash, "a definition keeps its hash");
}

fn draft(feed: &mut Feed<'_>) -> Draft {
    let mut draft = Draft::new("flow");
    draft.type_names = texts(&["work", "decision", "noop", "timer", "data_transformation"]);
    draft.options = texts(&OPTIONS);
    draft.shapes = vec![vec![], texts(&["value"]), texts(&["value", "further"])];
    draft.consts =
        ["1", "null", "{\"seconds\":1}", "\"${input.a}\"", "not json"].into_iter().collect();
    draft.templates = TEMPLATES.into_iter().collect();
    for task in 0..feed.byte().min(TASK_COUNT_MAX) {
        draft.ids.push_str("task_");
        draft.ids.push_str(&task.to_string());
        draft.id_ends.push(draft.ids.len() as u32);
        draft.types.push(feed.index());
        draft.option_of.push(feed.index());
        draft.shape_of.push(feed.index());
        draft.args.extend((0..feed.byte().min(3)).map(|_| argument(feed)));
        draft.arg_ends.push(draft.args.len() as u32);
        draft.deps.extend(feed.indices(4));
        draft.dep_ends.push(draft.deps.len() as u32);
    }
    for _ in 0..feed.byte().min(3) {
        let (decision, targets) = (feed.index(), feed.indices(3));
        draft.branches.push(DraftBranch { decision, condition: "input.flag".into(), targets });
    }
    for _ in 0..feed.byte().min(2) {
        let (owner, handler) = (feed.index(), feed.index());
        draft.handlers.push(DraftHandler {
            owner,
            handler,
            recovers: feed.byte().is_multiple_of(2),
        });
    }
    disturb(feed, &mut draft);
    draft
}

fn argument(feed: &mut Feed<'_>) -> DraftArg {
    let packed = u64::from(feed.byte()) << 32 | u64::from(feed.index());
    DraftArg::unpack(packed).unwrap_or(DraftArg::Output(feed.index()))
}

/// Columns may have any length and any order of their ends.
fn disturb(feed: &mut Feed<'_>, draft: &mut Draft) {
    while !feed.is_empty() {
        let column = match feed.byte() % 8 {
            0 => &mut draft.id_ends,
            1 => &mut draft.types,
            2 => &mut draft.shape_of,
            3 => &mut draft.option_of,
            4 => &mut draft.arg_ends,
            5 => &mut draft.dep_ends,
            6 => &mut draft.deps,
            _ => {
                draft.on_error = Some(feed.index());
                continue;
            }
        };
        match (feed.byte() % 3, feed.index() as usize) {
            (0, _) => column.push(feed.index()),
            (1, _) => drop(column.pop()),
            (_, place) => {
                if let Some(number) = column.get_mut(place) {
                    *number = feed.index();
                }
            }
        }
    }
}
