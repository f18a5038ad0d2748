//! P8, P20: an idempotency key stands for one run while that lives and for 24 hours after, and then
//! for none; an id stands for one run.

use pyflow_core::event::Event;
use pyflow_engine::Value;

use super::invariant::{Invariant, Judged};
use crate::model::{KEY_KEPT_MS, Run};
use crate::world::{Ask, Asked, Scene, Start};

#[derive(Debug)]
pub(crate) struct OneRunAKey;

impl Invariant for OneRunAKey {
    fn name(&self) -> &'static str {
        "P20 one run a key"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunCreated(created) = event else { return scene.no_opinion() };
        if let Some(number) = scene.model.ids.get(&*created.run_id) {
            return Err(format!("the id {} is that of run {number} already", created.run_id));
        }
        let Some(key) = created.key.as_deref() else { return Ok(()) };
        match holder(scene, key, created.at.0) {
            Some(run) => Err(format!("the key {key} stands for run {} already", run.id)),
            None => Ok(()),
        }
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Ask::Start(Start { run_id, key, flag, flow, extras, .. }) = &asked.ask else {
            return scene.no_opinion();
        };
        let flag = extras.given(*flag).or(scene.swarm.limits.default_flag).unwrap_or_default();
        if let Some(Err(refusal)) = &asked.answer
            && refusal.code == "PF1102"
            && scene.is_quiet
            && scene.model.by_id(run_id).is_none()
        {
            return Err(format!("the id {run_id} is that of no run, and is refused"));
        }
        if let Some(Err(refusal)) = &asked.answer
            && refusal.code == "PF1103"
            && extras.by_name.is_none()
        {
            let holder = refusal.fields["run_id"].as_str().and_then(|id| scene.model.by_id(id));
            let hash = scene.flows[*flow].definition.hash;
            let is_repeat = holder.is_some_and(|run| run.flag == flag && run.definition == hash);
            let refused = || format!("{:?} repeats a start and is refused", asked.ask);
            return if is_repeat { Err(refused()) } else { Ok(()) };
        }
        let Some(Ok(Value::Run { run_id: told, is_new, .. })) = &asked.answer else {
            return scene.no_opinion();
        };
        if *is_new && told == run_id {
            return Ok(());
        }
        let known = scene.model.by_id(told);
        let is_same = known.is_some_and(|run| run.key == *key && key.is_some());
        if *is_new || !is_same {
            return Err(format!("{:?} was answered with run {told}, new: {is_new}", asked.ask));
        }
        let other = scene.flows[*flow].definition.hash;
        let has_other_content = known.is_some_and(|run| {
            run.flag != flag || (extras.by_name.is_none() && run.definition != other)
        });
        if has_other_content {
            return Err(format!("{:?} was answered with run {told} of other content", asked.ask));
        }
        let is_free =
            known.and_then(|run| run.ended_at).is_some_and(|at| at + KEY_KEPT_MS <= asked.at);
        if is_free { Err(format!("the key {key:?} is held longer than a day")) } else { Ok(()) }
    }
}

/// The run that a key stands for at a time.
fn holder<'a>(scene: &'a Scene, key: &str, now: u64) -> Option<&'a Run> {
    scene.model.runs.values().find(|run| {
        run.key.as_deref() == Some(key) && run.ended_at.is_none_or(|at| at + KEY_KEPT_MS > now)
    })
}
