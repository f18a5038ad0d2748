//! Clients: they start and control runs, and look at them.

use pyflow_core::consistency::Consistency;
use pyflow_engine::{Token, Value};

use crate::dice::Dice;
use crate::model::Phase;
use crate::world::{ALL, Ask, Extras, Failure, LATEST, Listing, OF_A_CLIENT, Start, World};

/// What clients say of their runs.
const METADATA: [&str; 2] = [OF_A_CLIENT, "{\"of\":\"another\"}"];

impl World {
    pub(super) fn deploy_all(&mut self) -> Result<(), Failure> {
        for flow in 0..self.scene.swarm.flow_count {
            self.ask(Ask::Deploy { flow });
        }
        self.pump()
    }

    /// Something that a client might do.
    pub(super) fn use_clients(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        let starts = self.scene.run_ids.len() < self.scene.swarm.run_count_max;
        if self.scene.run_ids.is_empty() || (starts && dice.chance(40)) {
            self.start(dice);
            return Ok(());
        }
        if dice.chance(5) {
            // Perhaps one that is new, and has the name of one that is there.
            self.ask(Ask::Deploy { flow: dice.below(self.scene.flows.len()) });
            return Ok(());
        }
        if dice.chance(self.scene.swarm.prune_percent) {
            let ago_ms = [0, 3_600_000, 90_000_000][dice.below(3)];
            self.ask(Ask::Prune { before_ms: self.scene.now - ago_ms });
            return Ok(());
        }
        if dice.chance(self.scene.swarm.control_percent) {
            self.control(dice);
            return Ok(());
        }
        if dice.chance(70) {
            self.pump()?; // So that what is told can be compared with what is known.
        }
        self.look(dice);
        Ok(())
    }

    fn start(&mut self, dice: &mut Dice) {
        let count = self.scene.run_ids.len();
        if dice.chance(6) {
            return self.start_many(dice.aside("starts together"));
        }
        let is_chosen = dice.chance(50);
        let repeats = dice.chance(self.scene.swarm.keyed_percent);
        let key = repeats.then(|| format!("key{}", dice.below(4)));
        // The same key with other content is refused: mostly it is the same.
        let (flow, flag) = match &key {
            Some(_) if dice.chance(90) => (0, true),
            Some(_) | None => (dice.below(self.scene.swarm.flow_count), dice.chance(50)),
        };
        let repeats_id = is_chosen && dice.chance(8);
        let run_id = match dice.one_of(&self.scene.run_ids) {
            Some(taken) if repeats_id => taken.clone(),
            Some(_) | None => run_id(count, is_chosen),
        };
        self.scene.run_ids.push(run_id.clone());
        let extras = if dice.chance(40) { self.extras(dice, flow) } else { Extras::default() };
        self.ask(Ask::Start(Start { run_id, is_chosen, key, flow, flag, extras }));
    }

    /// Several runs at once; now and then one of them is none that may be started among many.
    fn start_many(&mut self, mut dice: Dice) {
        let first = self.scene.run_ids.len();
        let odd = dice.chance(15).then(|| (dice.below(3), first + 1 + dice.below(3)));
        let starts = (first..first + dice.below(6)).map(|count| {
            let is_odd = |kind| odd == Some((kind, count));
            let (is_chosen, repeats_id, has_key) = (is_odd(0), is_odd(1), is_odd(2));
            let flow = dice.below(self.scene.swarm.flow_count);
            Start {
                run_id: run_id(if repeats_id { first } else { count }, is_chosen),
                is_chosen,
                key: has_key.then(|| "key0".to_string()),
                flow,
                flag: dice.chance(50),
                extras: if dice.chance(40) {
                    self.extras(&mut dice, flow)
                } else {
                    Extras::default()
                },
            }
        });
        let starts: Vec<Start> = starts.collect();
        self.scene.run_ids.extend(starts.iter().map(|start| start.run_id.clone()));
        self.ask(Ask::StartMany(starts));
    }

    fn extras(&self, dice: &mut Dice, flow: usize) -> Extras {
        let mut aside = dice.aside("version and flag");
        let has_default = self.scene.swarm.limits.default_flag.is_some();
        Extras {
            of_version: aside.chance(50).then(|| ["1", "2"][aside.below(2)].to_string()),
            lacks_flag: has_default && aside.chance(40),
            priority: dice.chance(40).then(|| dice.below(3) as u8),
            deadline_ms: dice.chance(20).then(|| dice.between(1, 900) * 1_000),
            metadata: dice.chance(40).then(|| METADATA[aside.below(2)]),
            created_by: dice.chance(40).then(|| ["ann", "bob"][dice.below(2)]),
            consistency: dice.chance(15).then(|| {
                [Consistency::Strong, Consistency::Session, Consistency::Eventual][dice.below(3)]
            }),
            by_name: dice.chance(40).then(|| self.scene.flows[flow].definition.name.to_string()),
        }
    }

    fn a_run(&self, dice: &mut Dice) -> String {
        dice.one_of(&self.scene.run_ids).cloned().expect("a run was asked for before")
    }

    fn control(&mut self, dice: &mut Dice) {
        let run_id = self.a_run(dice);
        let ask = match dice.below(14) {
            0..=2 => Ask::Pause { run_id },
            3..=5 => Ask::Resume { run_id },
            6 | 7 => Ask::Cancel { run_id, reason: format!("enough, {}", dice.below(1_000)) },
            8 | 9 => Ask::Recover { run_id },
            place => {
                let Some(run) = self.scene.model.by_id(&run_id) else { return };
                // Half of them mean something that is going on.
                let is_going_on = |at: &usize| {
                    !matches!(run.entries[*at].phase, Phase::Waiting | Phase::Ended(_))
                };
                let going_on: Vec<usize> = (0..run.entries.len()).filter(is_going_on).collect();
                let chosen = dice.one_of(&going_on).copied().filter(|_| dice.chance(50));
                let any = dice.below(run.entries.len());
                let waits = |at: &usize| run.entries[*at].phase == Phase::Waiting;
                let items: Vec<usize> =
                    (run.flow.tasks.len()..run.entries.len()).filter(waits).collect();
                let mut aside = dice.aside("item that waits");
                let item = aside.one_of(&items).copied().filter(|_| aside.chance(50));
                let task_id = run.name(item.or(chosen).unwrap_or(any));
                if place <= 11 && item.is_none() {
                    Ask::RecoverTask { run_id, task_id }
                } else {
                    Ask::CancelTask { run_id, task_id }
                }
            }
        };
        self.ask(ask);
    }

    fn look(&mut self, dice: &mut Dice) {
        let run_id = self.a_run(dice);
        let ask = match dice.below(18) {
            0 | 1 => Ask::Result { run_id: self.awaited(dice).unwrap_or(run_id) },
            2 | 3 => self.next_watch(run_id, dice),
            4 | 5 => Ask::Status { run_id, after: self.some_token(dice) },
            6 | 7 => self.tasks(run_id, dice),
            8 => self.history(run_id, dice),
            9 => self.found_or_listed(&run_id, dice),
            10 => Ask::Doctor,
            11 => Ask::Logs {
                task_id: self.a_task(&run_id, dice).filter(|_| dice.chance(50)),
                run_id,
                after: dice.below(4) as u64,
                limit: 1 + dice.below(4),
            },
            12 => match self.a_task(&run_id, dice) {
                Some(task_id) => Ask::TaskResult { run_id, task_id },
                None => Ask::List,
            },
            13 | 14 => Ask::Explain { run_id },
            15 | 16 => Ask::Filter(self.listing(dice)),
            _ => {
                let mut aside = dice.aside("place in the feed");
                let known = aside.below(6) as u64 * u64::from(aside.chance(50));
                let after = self.scene.model.position.saturating_sub(known);
                Ask::Watch { run_id: None, after, limit: some_or_all(&mut aside) }
            }
        };
        self.ask(ask);
    }

    /// All runs, or those that are meant by some words; or what is deployed.
    fn found_or_listed(&self, run_id: &str, dice: &mut Dice) -> Ask {
        let mut aside = dice.aside("found or listed");
        match aside.below(10) {
            0 => Ask::Find { text: LATEST.into() },
            1 | 2 => {
                let size = 1 + aside.below(run_id.len());
                Ask::Find { text: run_id[..size].into() }
            }
            3 => Ask::Definitions,
            4 | 5 => {
                let drawn = &self.scene.flows[aside.below(self.scene.flows.len())].definition;
                let versions = [None, Some("1"), Some("2")];
                let version = versions[aside.below(3)].map(String::from);
                Ask::Definition { name: drawn.name.to_string(), version }
            }
            _ => Ask::List,
        }
    }

    /// A run whose end somebody waits for already, now and then.
    fn awaited(&self, dice: &mut Dice) -> Option<String> {
        let mut aside = dice.aside("awaited run");
        let waited = self.scene.ledger.waiting().filter_map(|(_, asked)| match &asked.ask {
            Ask::Result { run_id } => Some(run_id.clone()),
            _ => None,
        });
        let waited: Vec<String> = waited.collect();
        aside.one_of(&waited).cloned().filter(|_| aside.chance(50))
    }

    /// All tasks of a run, or some of them.
    fn tasks(&self, run_id: String, dice: &mut Dice) -> Ask {
        let mut aside = dice.aside("some tasks");
        let words = ["pending", "ready", "leased", "completed", "failed", "skipped", "cancelled"];
        Ask::Tasks {
            task_id: self.a_task(&run_id, &mut aside).filter(|_| aside.chance(20)),
            run_id,
            state: aside.chance(30).then(|| words[aside.below(words.len())]),
            limit: some_or_all(&mut aside),
        }
    }

    /// All events of a run, or some of them.
    fn history(&self, run_id: String, dice: &mut Dice) -> Ask {
        let mut aside = dice.aside("part of a history");
        let known = self.scene.model.by_id(&run_id).map_or(0, |run| run.history.len());
        let after = if aside.chance(50) { aside.below(known + 2) } else { 0 };
        Ask::History { run_id, after, limit: some_or_all(&mut aside) }
    }

    /// A task or an item of a run, by its name.
    fn a_task(&self, run_id: &str, dice: &mut Dice) -> Option<String> {
        let run = self.scene.model.by_id(run_id)?;
        Some(run.name(dice.below(run.entries.len())))
    }

    fn listing(&self, dice: &mut Dice) -> Listing {
        let words = ["running", "completed", "failed", "cancelled", "paused"];
        let drawn = &self.scene.flows[dice.below(self.scene.flows.len())];
        let last = self.scene.run_ids.len() as u64;
        Listing {
            status: dice.chance(40).then(|| words[dice.below(words.len())]),
            name: dice.chance(40).then(|| drawn.definition.name.to_string()),
            created_by: dice.chance(30).then(|| ["ann", "bob"][dice.below(2)]),
            of_client: dice.chance(20),
            limit: 1 + dice.below(4),
            cursor: dice.chance(40).then(|| dice.between(1, last + 1)),
        }
    }

    /// The token of something that was acknowledged, or of what stands at the end of some
    /// process's log or right behind it, now and then.
    fn some_token(&self, dice: &mut Dice) -> Option<Token> {
        let mut aside = dice.aside("end of an epoch");
        if aside.chance(30) {
            let epoch = aside.between(1, u64::from(self.scene.epoch)) as u32;
            let end = self.scene.model.ends.range(..=epoch).next_back().map_or(0, |(_, end)| *end);
            return Some(Token { epoch, position: end + aside.below(2) as u64 });
        }
        let tokens = self.scene.ledger.acknowledged().filter_map(|(_, _, value)| match value {
            Value::Done(token) | Value::Run { token, .. } | Value::Runs(_, token) => Some(*token),
            Value::Json(_) | Value::Stored(_) | Value::Events(_) => None,
        });
        let tokens: Vec<_> = tokens.collect();
        dice.one_of(&tokens).copied().filter(|_| dice.chance(50))
    }

    /// A follower asks for what comes after the last event that it was told of.
    fn next_watch(&self, run_id: String, dice: &mut Dice) -> Ask {
        let mut after = 0;
        for asked in self.scene.ledger.asked.values() {
            if let Ask::Watch { run_id: Some(watched), after: asked_after, .. } = &asked.ask
                && *watched == run_id
                && let Some(Ok(Value::Events(events))) = &asked.answer
            {
                after = after.max(asked_after + events.len() as u64);
            }
        }
        Ask::Watch {
            run_id: Some(run_id),
            after,
            limit: some_or_all(&mut dice.aside("events at once")),
        }
    }

    /// A client waits no longer.
    pub(crate) fn forget(&mut self, ticket: u64) {
        let Some(engine) = &self.scene.engine else { return };
        engine
            .submit(pyflow_engine::Request::Forget { ticket })
            .expect("who leaves is never refused");
        if let Some(asked) = self.scene.ledger.asked.get_mut(&ticket) {
            asked.is_lost = true;
        }
    }
}

/// How many are asked for.
fn some_or_all(dice: &mut Dice) -> usize {
    if dice.chance(40) { 1 + dice.below(5) } else { ALL }
}

/// An id that a client chose, or one as it is generated.
fn run_id(count: usize, is_chosen: bool) -> String {
    if is_chosen { format!("r{count}") } else { format!("{count:031x}") }
}
