//! P25: what was acknowledged names its place in the log, and who asks to see a place sees it, or is
//! told that it was lost.

use pyflow_engine::{Refusal, Token, Value};

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct TokensNameTheWrite;

impl Invariant for TokensNameTheWrite {
    fn name(&self) -> &'static str {
        "P25 tokens name the write"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        if let (Ask::Status { after: Some(after), .. }, Some(answer)) = (&asked.ask, &asked.answer)
        {
            return place_is_seen(scene, asked, *after, answer.as_ref().err());
        }
        let Some(Ok(value)) = &asked.answer else { return scene.no_opinion() };
        let token = match value {
            Value::Done(token) | Value::Run { token, .. } | Value::Runs(_, token) => token,
            Value::Json(_) | Value::Stored(_) | Value::Events(_) => return Ok(()),
        };
        let created = match value {
            Value::Run { run_id, is_new: true, .. } => created_position(scene, run_id),
            Value::Runs(run_ids, _) => {
                run_ids.iter().filter_map(|run_id| created_position(scene, run_id)).max()
            }
            _ => None,
        };
        let (least, most) = (created.max(Some(asked.position)), scene.model.position);
        let is_right = token.epoch == scene.epoch
            && token.position <= most
            && least.is_none_or(|least| token.position >= least);
        if is_right { Ok(()) } else { Err(format!("{token} for {least:?} to {most}: {value:?}")) }
    }
}

fn created_position(scene: &Scene, run_id: &str) -> Option<u64> {
    scene.model.by_id(run_id).map(|run| run.created_position)
}

/// Whether a place that the power took is told as lost, one where nobody has written yet as unknown,
/// and no other is.
fn place_is_seen(scene: &Scene, asked: &Asked, after: Token, told: Option<&Refusal>) -> Judged {
    let kept = scene.model.ends.range(..=after.epoch).map(|(_, end)| *end).max().unwrap_or(0);
    let is_former = after.epoch < scene.epoch;
    // Another owner may have ended its epoch under the process that is asked.
    let may_be_over = is_former || scene.trouble_count != asked.trouble_count;
    let is_lost = may_be_over && after.position > kept;
    let is_right = match told.map(|refusal| refusal.code) {
        Some("PF1210") => is_lost && told.is_some_and(|told| told.fields["position"] == kept),
        Some("PF1107") => !is_former && after.position > asked.position,
        Some(code) if code.starts_with("PF20") => true,
        Some(_) | None => after.position <= kept,
    };
    if is_right {
        return Ok(());
    }
    Err(format!("{after} was answered {told:?}; {kept} were kept of its epoch"))
}
