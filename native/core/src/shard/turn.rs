//! One turn: commands are decided, applied and reacted to; hand-outs come last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::command::{Command, EndLease, LeaseRef, Wake};
use crate::decide;
use crate::effect::{Answer, Effect, Ticket};
use crate::event::Event;
use crate::ids::{Epoch, InstanceIndex, RunNumber, SessionId};
use crate::limits::{TURN_EVENT_COUNT_MAX, TURN_SIZE_MAX};
use crate::rejection::Rejection;
use crate::schedule::{Held, Queues, SWEEP_COUNT_MIN, Sessions, Stamp, Strategy, Timers};
use crate::state::State;
use crate::time::Millis;

/// Places of the agenda that are kept while it is empty.
const AGENDA_KEPT_COUNT: usize = 4_096;

/// What a shard is told once.
#[derive(Clone, Debug)]
pub struct ShardSettings {
    pub epoch: Epoch,
    pub strategy: Strategy,
    /// Runs that may work at once; others wait as `created`.
    pub max_concurrent_runs: usize,
    /// How long a suspect runs alone before others may run beside it; doubled for each further
    /// suspicion.
    pub alone_ms: u64,
    /// The timeout of attempts whose task names none.
    pub default_timeout_ms: Option<u64>,
    /// Events after which a turn takes nothing more; the rest goes into the next one.
    pub turn_event_count_max: usize,
    /// Entries of the queues that are left alone, however many of them are stale.
    pub sweep_count_min: usize,
}

impl Default for ShardSettings {
    fn default() -> Self {
        Self {
            epoch: Epoch(1),
            strategy: Strategy::Strict,
            max_concurrent_runs: usize::MAX,
            alone_ms: 5_000,
            default_timeout_ms: None,
            turn_event_count_max: TURN_EVENT_COUNT_MAX,
            sweep_count_min: SWEEP_COUNT_MIN,
        }
    }
}

/// What one turn has brought about so far.
#[derive(Debug, Default)]
pub struct Turn {
    pub position: u64,
    pub events: Vec<Event>,
    /// The stored form of the events, one after the other.
    pub encoded: Vec<u8>,
    /// Numbers of the runs that it touches, in order.
    pub runs: Vec<u64>,
    /// Payloads that are too large to stand in the log, by their hash.
    pub blobs: Vec<([u8; 32], Bytes)>,
    /// Which run names which of them.
    pub named: Vec<(u64, [u8; 32])>,
    pub effects: Vec<Effect>,
    /// What workers let go of, in case the turn is not kept.
    pub let_go: Vec<(SessionId, u64, Held)>,
    /// How the leases of workers that are gone have ended, in case the turn is not kept.
    pub left: Vec<EndLease>,
    /// Whether any of its events must be synced before it is acknowledged.
    pub synced: bool,
}

/// Room for so many events or effects, and for so many bytes of events, is kept for the next turn.
const ROOM_COUNT_MAX: usize = 256;
const ROOM_SIZE_MAX: usize = 16 * 1024;

impl Turn {
    /// The same turn without all that it held, but for room that the next one will want: lists that
    /// grow step by step cost a tenth of a turn.
    fn emptied(self) -> Self {
        let Self { mut events, mut encoded, mut runs, mut effects, mut let_go, .. } = self;
        events.clear();
        events.shrink_to(ROOM_COUNT_MAX);
        encoded.clear();
        encoded.shrink_to(ROOM_SIZE_MAX);
        runs.clear();
        runs.shrink_to(ROOM_COUNT_MAX);
        effects.clear();
        effects.shrink_to(ROOM_COUNT_MAX);
        let_go.clear();
        let_go.shrink_to(ROOM_COUNT_MAX);
        Self { events, encoded, runs, effects, let_go, ..Self::default() }
    }

    /// Notes that it touches a run; most often that is the one it touched last.
    pub(super) fn touch(&mut self, run: u64) {
        if self.runs.last() != Some(&run)
            && let Err(place) = self.runs.binary_search(&run)
        {
            self.runs.insert(place, run);
        }
    }
}

/// A shard.
#[derive(Debug)]
pub struct Shard {
    pub(super) state: State,
    pub(super) settings: ShardSettings,
    pub(super) queues: Queues,
    pub(super) sessions: Sessions,
    pub(super) timers: Timers,
    /// Instances that became ready and were not looked at yet.
    pub(super) agenda: VecDeque<Due>,
    /// Runs that may have come to their end.
    pub(super) finishing: BTreeSet<RunNumber>,
    /// Runs that wait to be admitted, in the order of their creation.
    pub(super) created: BTreeSet<RunNumber>,
    /// Runs that were admitted and have not ended.
    pub(super) working: BTreeSet<RunNumber>,
    /// What waits for its paused run to go on.
    pub(super) aside: BTreeMap<RunNumber, Aside>,
    /// How leases have ended whose workers are gone, by a turn that was not kept.
    pub(super) left: BTreeMap<LeaseRef, EndLease>,
    /// Whether the last turn ended at a bound, with work left.
    pub(super) was_full: bool,
    pub(super) turn: Turn,
    /// An empty turn, for the one after this.
    pub(super) spare: Turn,
}

/// An instance that became ready, for the attempt that its stamp names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) run: RunNumber,
    pub(super) instance: InstanceIndex,
    pub(super) stamp: Stamp,
}

/// What was due of a paused run, to be looked at when it goes on.
#[derive(Debug, Default)]
pub(super) struct Aside {
    pub(super) ready: Vec<Due>,
    pub(super) wakes: Vec<Wake>,
}

impl Shard {
    /// A shard around a state that was folded from its log; `resume` makes it go on.
    pub fn new(state: State, settings: ShardSettings) -> Self {
        Self {
            queues: Queues::new(settings.strategy, settings.sweep_count_min),
            state,
            settings,
            sessions: Sessions::default(),
            timers: Timers::default(),
            agenda: VecDeque::new(),
            finishing: BTreeSet::new(),
            created: BTreeSet::new(),
            working: BTreeSet::new(),
            aside: BTreeMap::new(),
            left: BTreeMap::new(),
            was_full: false,
            turn: Turn::default(),
            spare: Turn::default(),
        }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub fn timers(&self) -> &Timers {
        &self.timers
    }

    pub fn settings(&self) -> &ShardSettings {
        &self.settings
    }

    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Runs that were admitted and have not ended.
    pub fn working_count(&self) -> usize {
        self.working.len()
    }

    /// Decides one command; its answer is an effect of the turn.
    pub fn handle(&mut self, command: &Command, ticket: Option<Ticket>, now: Millis) {
        match decide::decide(&self.state, command, now) {
            Ok(events) => {
                let answer = accepted(command);
                self.learn(command);
                for event in events {
                    self.record(event);
                }
                self.reply(ticket, Ok(answer));
            }
            Err(Rejection::RunExists { run_id }) if repeats(command) => {
                let held = self.state.key_holds(command, &run_id, now);
                let answer = if held {
                    Ok(Answer::Run { run_id, is_new: false })
                } else {
                    Err(Rejection::RunExists { run_id })
                };
                self.reply(ticket, answer);
            }
            Err(rejection) => self.reply(ticket, Err(rejection)),
        }
        self.work(now);
    }

    /// A definition is known from the moment at which it is deployed.
    fn learn(&mut self, command: &Command) {
        if let Command::DeployDefinition(deploy) = command {
            self.state.learn(deploy.definition.clone());
        }
    }

    fn reply(&mut self, ticket: Option<Ticket>, answer: Result<Answer, Rejection>) {
        if let Some(ticket) = ticket {
            self.turn.effects.push(Effect::Reply { ticket, answer });
        }
    }

    /// Goes on with what is ready, as far as the turn's bounds allow.
    pub fn work(&mut self, now: Millis) {
        while !self.is_full() {
            if let Some(due) = self.agenda.pop_front() {
                self.look_at(due, now);
            } else if let Some(run) = self.finishing.pop_first() {
                self.finish(run, now);
            } else if !self.admit(now) {
                return;
            }
        }
    }

    /// Keeps bytes beside the log with the turn: a definition that it deploys.
    pub fn keep(&mut self, hash: [u8; 32], bytes: Bytes) {
        self.turn.blobs.push((hash, bytes));
    }

    /// Whether the turn has reached a bound; the rest goes into the next one.
    pub fn is_full(&self) -> bool {
        self.turn.events.len() >= self.settings.turn_event_count_max
            || self.turn.encoded.len() >= TURN_SIZE_MAX
    }

    /// Whether there is work left that needs no new command.
    pub fn has_work(&self, now: Millis) -> bool {
        self.was_full
            || !self.agenda.is_empty()
            || !self.finishing.is_empty()
            || (!self.created.is_empty() && self.has_room())
            || self.timers.next().is_some_and(|at| at <= now)
    }

    /// When it next has something to do by itself.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        let wakes =
            [self.timers.next(), self.queues.next_delayed(), self.sessions.next_opening(now)];
        wakes.into_iter().flatten().min()
    }

    /// Hands out what the free slots can take, and closes the turn.
    pub fn end_turn(&mut self, now: Millis) -> Turn {
        self.work(now);
        self.hand_out(now);
        self.sweep();
        if self.agenda.is_empty() {
            self.agenda.shrink_to(AGENDA_KEPT_COUNT); // It may have been as long as the largest run.
        }
        self.state.dismiss_visitors();
        self.was_full = self.is_full();
        std::mem::replace(&mut self.turn, std::mem::take(&mut self.spare))
    }

    /// Takes back a turn that owes nothing any more, for its room.
    pub fn reuse(&mut self, turn: Turn) {
        self.spare = turn.emptied();
    }
}

fn accepted(command: &Command) -> Answer {
    match command {
        Command::StartRun(start) => Answer::Run { run_id: start.run_id.clone(), is_new: true },
        Command::StartRuns(starts) => {
            Answer::Runs(starts.iter().map(|start| start.run_id.clone()).collect())
        }
        Command::DeployDefinition(_)
        | Command::ControlRun(_)
        | Command::ControlTask(_)
        | Command::Report(_)
        | Command::EndLease(_)
        | Command::Fire(_)
        | Command::TimeOut(_)
        | Command::ForgetRuns(_) => Answer::Done,
    }
}

/// Whether the command is a start that a key may make a repeat of an earlier one.
fn repeats(command: &Command) -> bool {
    matches!(command, Command::StartRun(start) if start.key.is_some())
}

impl State {
    /// Whether a start's key stands for this run still: one whose time is over may be there yet.
    fn key_holds(&self, command: &Command, run_id: &str, now: Millis) -> bool {
        let Command::StartRun(start) = command else { return false };
        let key = start.key.as_ref().and_then(|key| self.key(&start.namespace, key));
        key.is_some_and(|key| {
            &*key.run_id == run_id && key.expires_at.is_none_or(|free_at| free_at > now)
        })
    }
}
