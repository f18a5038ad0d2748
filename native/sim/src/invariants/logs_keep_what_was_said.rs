//! P22, P28: a line that a task has written to its log is kept once, in order, for the attempt that wrote it.

use pyflow_core::event::Event;
use pyflow_engine::Value;
use serde_json::Value as Json;

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, Scene};

/// So many lines of an attempt are kept, the first of them.
const LINE_COUNT_MAX: usize = 1_000;

#[derive(Debug)]
pub(crate) struct LogsKeepWhatWasSaid;

impl Invariant for LogsKeepWhatWasSaid {
    fn name(&self) -> &'static str {
        "P22 logs keep what was said"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskSaid(said) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let lease = found.entry.lease().ok_or("somebody who holds nothing has said something")?;
        let attempt = (found.run.id.clone(), found.task_index, found.item, lease.token);
        let told = scene.workers.lines.get(&attempt).map_or(&[][..], Vec::as_slice);
        let kept = found.run.lines.iter().filter(|line| line.token == lease.token);
        let kept = kept.filter(|line| line.instance == found.instance).count();
        let next = told.iter().skip(kept).take(said.lines.len());
        // A line stands between the attempt's start and now, whatever its worker's clock says.
        let (first, last) = (lease.at, said.at.0.max(lease.at));
        let next = next.map(|told| (told.at.clamp(first, last), &told.text));
        let is_bounded = kept + said.lines.len() <= LINE_COUNT_MAX;
        if is_bounded && next.eq(said.lines.iter().map(|line| (line.at.0, &line.text))) {
            return Ok(());
        }
        let (name, count) = (found.name(), said.lines.len());
        Err(format!("{name} said {}, behind {kept} {count} are kept: {told:?}", told.len()))
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() {
            return scene.no_opinion();
        }
        for held in scene.workers.held() {
            let Some(told) = scene.workers.lines.get(&held.attempt()) else { continue };
            let Some(run) = scene.model.by_id(&held.run_id) else { continue };
            let Some(instance) = run.instance_of(held.task, held.item) else { continue };
            let is_mine = run.entries[instance].lease().is_some_and(|l| l.token == held.token);
            let mine = run.lines.iter().filter(|line| line.token == held.token);
            let kept = mine.filter(|line| line.instance == instance).count();
            if is_mine && kept < told.len().min(LINE_COUNT_MAX) {
                let name = run.name(instance);
                return Err(format!("{name} of {} said {told:?}, {kept} are kept", run.id));
            }
        }
        Ok(())
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Ask::Logs { run_id, task_id, after, limit } = &asked.ask else {
            return scene.no_opinion();
        };
        let Some(Ok(Value::Json(text))) = &asked.answer else { return scene.no_opinion() };
        let Some(run) = scene.model.by_id(run_id).filter(|_| scene.is_quiet) else {
            return scene.no_opinion();
        };
        let shown: Vec<Json> =
            serde_json::from_slice(text).map_err(|error| format!("no list: {error}"))?;
        let is_wanted = |instance: usize| {
            let name = run.name(instance);
            task_id.as_ref().is_none_or(|wanted| {
                let of_map = name.split_once('[').is_some_and(|(map, _)| map == wanted);
                name == *wanted || of_map
            })
        };
        let all = (1_u64..).zip(&run.lines).filter(|(_, line)| is_wanted(line.instance));
        let wanted = all.filter(|(number, _)| number > after).take(*limit);
        let wanted: Vec<(u64, &str)> =
            wanted.map(|(number, line)| (number, line.text.as_str())).collect();
        let told: Vec<(u64, &str)> = shown
            .iter()
            .map(|line| (line["number"].as_u64().unwrap_or(0), line["text"].as_str().unwrap_or("")))
            .collect();
        if told == wanted {
            return Ok(());
        }
        Err(format!("{:?} was answered with {told:?}, not {wanted:?}", asked.ask))
    }
}
