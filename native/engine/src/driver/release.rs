//! What a turn owes, once it is safe: answers, grants, status words, rows, events.

use std::collections::BTreeSet;
use std::sync::Arc;

use pyflow_core::effect::{Answer, Effect};
use pyflow_core::ids::{InstanceIndex, RunNumber};
use pyflow_core::lifecycle::RunState;
use pyflow_core::seeded::{Bug, is_planted};
use pyflow_core::shard::Turn;
use pyflow_core::state::Moved;

use super::ring::Driver;
use crate::board::RunWords;
use crate::fault::Refusal;
use crate::out::{Out, Value};
use crate::rows::{end_of, row_of};

impl Driver {
    pub(super) fn release(&mut self, mut turn: Turn) {
        if !turn.events.is_empty() {
            self.released = turn.position;
            self.lag.note(turn.position, turn.events.len() as u64);
            self.note_forgotten(&turn.events);
        }
        let mut changed = BTreeSet::new();
        for effect in turn.effects.drain(..) {
            match effect {
                Effect::Reply { ticket, answer } => {
                    self.answer(ticket.0, answer.map_err(Refusal::from));
                }
                Effect::Grant(granted) => {
                    self.counts.grants += 1;
                    self.out.push(Out::Grant(granted));
                }
                Effect::StopAttempt { handle, reason, .. } => {
                    self.out.push(Out::Stop { handle, reason });
                }
                Effect::Show(moved) => {
                    self.show(moved);
                    if let Moved::Run { run, .. } = moved {
                        changed.insert(run);
                    }
                }
                Effect::RunEnded { run } => self.run_ended(run),
            }
        }
        // One row for all moves of the turn: most runs are created and started in one.
        self.note_rows(changed);
        if !turn.events.is_empty() && !self.watchers.is_empty() {
            self.feed_watchers(turn.position, &turn.events);
        }
        self.shard.reuse(turn);
    }

    /// Answers a command.
    pub(super) fn answer(&mut self, ticket: u64, answer: Result<Answer, Refusal>) {
        let token = self.token();
        let answer = answer.map(|answer| match answer {
            Answer::Done => Value::Done(token),
            Answer::Run { run_id, is_new } => {
                Value::Run { run_id: run_id.to_string(), is_new, token }
            }
            Answer::Runs(run_ids) => {
                Value::Runs(run_ids.iter().map(ToString::to_string).collect(), token)
            }
        });
        self.out.push(Out::Reply { ticket, answer });
    }

    /// Notes runs whose rows the read model must have anew.
    fn note_rows(&mut self, runs: impl IntoIterator<Item = RunNumber>) {
        let state = self.shard.state();
        let rows = runs.into_iter().filter_map(|number| state.run(number)).map(row_of);
        self.rows.extend(rows.map(|row| (row.run, row)));
    }

    fn show(&mut self, moved: Moved) {
        match moved {
            Moved::Run { run, to } => self.show_run(run, to),
            Moved::Task { run, instance, to } => {
                if let Some(words) = self.words.get(&run) {
                    words.show_task(instance, to);
                }
            }
            Moved::Grown { run, count } => {
                if let Some(words) = self.words.get(&run) {
                    words.grow(count as usize);
                }
            }
        }
    }

    pub(super) fn show_run(&mut self, number: RunNumber, to: RunState) {
        let Some(run) = self.shard.state().run(number) else { return };
        let (run_id, is_recovered) = (run.run_id().clone(), run.generation() > 0);
        if !self.words.contains_key(&number) {
            let words = Arc::new(RunWords::new(run.definition().clone()));
            self.board.put(run_id.clone(), words.clone());
            self.words.insert(number, words);
            self.counts.runs_started += 1;
            if is_recovered {
                self.show_tasks(number); // Its words had left: what is not done anew has no news.
            }
        }
        self.words[&number].show_run(to);
        if to.is_terminal() {
            self.board.remove(&run_id);
            self.words.remove(&number);
        }
    }

    /// Shows the tasks of a run whose words are new and that is not.
    pub(super) fn show_tasks(&mut self, number: RunNumber) {
        let Some(run) = self.shard.state().run(number) else { return };
        let words = &self.words[&number];
        let grown = run.instance_count() - run.definition().task_count();
        words.grow_to(grown);
        for instance in (0..run.instance_count() as u32).map(InstanceIndex) {
            let state = run.task_state(instance).expect("the index is one of the run's");
            words.show_task(instance, state);
        }
    }

    fn run_ended(&mut self, number: RunNumber) {
        self.counts.runs_ended += 1;
        let Some(tickets) = self.waiters.remove(&number) else { return };
        let run = self.shard.state().run(number);
        let end = run.and_then(end_of).unwrap_or(Err(Refusal::closed()));
        let skipped = usize::from(is_planted(Bug::OneWaiterNotTold) && tickets.len() > 1);
        for ticket in tickets.into_iter().skip(skipped) {
            self.out.push(Out::Reply { ticket, answer: end.clone() });
        }
    }
}
