//! Drawing a definition: every kind of task, join, handler and option may come.

use pyflow_core::consistency::Consistency;

use super::flow::{
    Branch, Condition, Flow, Handler, Items, Join, Key, Limits, Options, Reads, Task, Work,
    is_of_core,
};
use crate::dice::Dice;

/// A definition of about `count` tasks that can be deployed.
pub(crate) fn draw(dice: &mut Dice, name: &str, count: usize, limits: Limits) -> Flow {
    let mut making = Making { dice, limits, tasks: Vec::new() };
    for _ in 0..count.max(1) {
        making.add();
    }
    let plain = making.tasks.len();
    for owner in 0..plain {
        making.handler(owner);
    }
    let on_error = making.dice.chance(20).then(|| making.plain("run_failed", "mend"));
    if let Some(handler) = on_error {
        making.tasks[handler].reads = making.any_of(handler);
    }
    let Making { dice, tasks, .. } = making;
    let consistency = consistency(&mut dice.aside("consistency"));
    let most_percent = if limits.are_many { 45 } else { 0 };
    Flow {
        name: name.to_string(),
        version: None,
        on_error,
        deadline_s: dice.chance(15).then(|| dice.between(1, 600)),
        max_concurrent_tasks: dice
            .chance(15 + most_percent)
            .then(|| dice.between(1, 3) as u32)
            .filter(|_| !limits.are_fair),
        result_of: dice.chance(15).then_some(0),
        consistency,
        default_flag: limits.default_flag,
        tasks,
    }
}

fn consistency(dice: &mut Dice) -> Option<Consistency> {
    let levels = [Consistency::Eventual, Consistency::Session, Consistency::Strong];
    dice.chance(20).then(|| levels[dice.below(levels.len())])
}

struct Making<'a> {
    dice: &'a mut Dice,
    limits: Limits,
    tasks: Vec<Task>,
}

impl Making<'_> {
    fn add(&mut self) {
        let deps = self.dependencies();
        let id = format!("t{}", self.tasks.len());
        match self.dice.below(20) {
            0 => self.push(id, Work::Noop, deps),
            1 | 2 => {
                let seconds = self.dice.between(0, 100);
                let part_ms = [0, 0, 250, 500, 750][self.dice.aside("part of a second").below(5)];
                self.push(id, Work::Timer { span_ms: seconds * 1_000 + part_ms }, deps);
            }
            3 => self.push(id, Work::Now, deps),
            4 if !deps.is_empty() => self.push(id, Work::Gateway, deps),
            5 => {
                let has_items = self.dice.chance(60);
                self.push(id, Work::Transformation { has_items }, deps);
            }
            6..=8 => self.decision(id, deps),
            9..=11 => self.map(id, deps),
            _ => {
                let task_type = ["work", "work", "other", "heavy", "metered"][self.dice.below(5)];
                self.push(id, Work::Activity { task_type }, deps);
            }
        }
    }

    /// Mostly near ones, so that graphs grow long.
    fn dependencies(&mut self) -> Vec<usize> {
        let count = self.tasks.len();
        let mut deps: Vec<usize> = Vec::new();
        for _ in 0..self.dice.below(4) {
            if count > 0 {
                deps.push(count - 1 - self.dice.below(count.min(5)));
            }
        }
        deps.sort_unstable();
        deps.dedup();
        deps
    }

    fn condition(&mut self) -> Condition {
        let plain = [Condition::True, Condition::False, Condition::Flag][self.dice.below(3)];
        let mut aside = self.dice.aside("a claim");
        if aside.chance(10) { Condition::Claim(aside.next()) } else { plain }
    }

    /// Seldom: what an expression costs to be read, a hundred events do not.
    fn counts(&self) -> Option<u64> {
        let mut dice = self.dice.aside("what it counts");
        dice.chance(4).then(|| dice.next())
    }

    /// A condition on what came before a task, which is the same whenever it is asked: where all of
    /// that must have succeeded.
    fn told_of_output(&self, task: usize, dice: &mut Dice) -> Option<Condition> {
        let plan = &self.tasks[task];
        let dep = *dice.one_of(&plan.deps)?;
        let is_settled = plan.join == Join::AllSuccess && dice.chance(40);
        let condition =
            if dice.chance(50) { Condition::Nothing(dep) } else { Condition::Something(dep) };
        is_settled.then_some(condition)
    }

    fn join(&mut self, deps: &[usize]) -> Join {
        let most = deps.len().max(1) as u64;
        match self.dice.below(5) {
            0 => Join::AllDone,
            1 => Join::AnySuccess,
            2 => Join::NoneFailedMinOneSuccess,
            3 => Join::CountOf(self.dice.between(1, most) as u32),
            _ => Join::AllSuccess,
        }
    }

    fn push(&mut self, id: String, work: Work, deps: Vec<usize>) {
        let join = if !deps.is_empty() && self.dice.chance(45) {
            self.join(&deps)
        } else {
            Join::AllSuccess
        };
        let condition = if self.dice.chance(10) { self.condition() } else { Condition::True };
        let is_worked_on = match &work {
            Work::Activity { .. } => true,
            Work::Map { task_type, .. } => !is_of_core(task_type),
            Work::Noop
            | Work::Now
            | Work::Timer { .. }
            | Work::Gateway
            | Work::Transformation { .. }
            | Work::Decision { .. } => false,
        };
        let reads = if is_worked_on && self.dice.chance(50) { self.reads(&deps) } else { None };
        let options = if is_worked_on {
            self.options(&work)
        } else {
            let concurrency =
                self.dice.aside("items at once").chance(40).then_some(2).filter(|_| is_map(&work));
            Options { concurrency, ..Options::default() }
        };
        self.tasks.push(Task {
            id,
            work,
            deps,
            join,
            condition,
            reads,
            is_told: is_worked_on && self.dice.chance(40),
            counts: self.counts(),
            handler: None,
            handles: None,
            options,
        });
        let (task, mut aside) = (self.tasks.len() - 1, self.dice.aside("condition"));
        if aside.chance(15)
            && let Some(condition) = self.told_of_output(task, &mut aside)
        {
            self.tasks[task].condition = condition;
        }
    }

    /// The output of the first of some tasks, or a list of what lies upstream of all of them.
    fn reads(&mut self, deps: &[usize]) -> Option<Reads> {
        let first = deps.first()?;
        let mut dice = self.dice.aside("reads");
        if dice.chance(40) {
            return Some(Reads::Output(*first));
        }
        let mut upstream = deps.to_vec();
        let mut seen = 0;
        while let Some(task) = upstream.get(seen) {
            let further = self.tasks[*task].deps.iter();
            let new: Vec<usize> = further.filter(|dep| !upstream.contains(dep)).copied().collect();
            upstream.extend(new);
            seen += 1;
        }
        Some(listed(&mut dice, upstream))
    }

    /// A worker's task that waits for nothing by itself.
    fn plain(&mut self, id: &str, task_type: &'static str) -> usize {
        let options = Options { max_deliveries: self.deliveries(), ..Options::default() };
        self.tasks.push(Task {
            id: id.to_string(),
            work: Work::Activity { task_type },
            deps: Vec::new(),
            join: Join::AllSuccess,
            condition: Condition::True,
            reads: None,
            is_told: true,
            counts: self.counts(),
            handler: None,
            handles: None,
            options,
        });
        self.tasks.len() - 1
    }

    /// A decision, and the tasks that it chooses between.
    fn decision(&mut self, id: String, deps: Vec<usize>) {
        let decision = self.tasks.len();
        let second = self.dice.aside("second decision").chance(25).then_some(decision + 1);
        let left = decision + 1 + usize::from(second.is_some());
        let right = left + 1;
        let condition = self.condition();
        let targets = if self.dice.chance(30) { vec![left, right] } else { vec![left] };
        let default = self.dice.chance(70).then_some(right);
        let mut branches = vec![Branch { condition, targets }];
        let mut aside = self.dice.aside("branches");
        while branches.len() < 4 && aside.chance(40) {
            let condition = any_condition(&mut aside);
            let targets = [vec![left], vec![right], vec![left, right]][aside.below(3)].clone();
            branches.insert(aside.below(branches.len() + 1), Branch { condition, targets });
        }
        let names_right =
            default.is_some() || branches.iter().any(|branch| branch.targets.contains(&right));
        self.push(id, Work::Decision { branches, default }, deps);
        if let Some(read) = self.told_of_output(decision, &mut aside)
            && let Work::Decision { branches, .. } = &mut self.tasks[decision].work
        {
            let place = aside.below(branches.len());
            branches[place].condition = read;
        }
        if let Some(second) = second {
            self.second_decision(second, decision, right);
        }
        for side in [left, right] {
            let id = format!("t{side}");
            let mut deps = vec![decision];
            if decision > 0 && self.dice.chance(30) {
                deps.insert(0, self.dice.below(decision));
            }
            if side == right && !names_right {
                deps = vec![decision];
            }
            if side == right {
                deps.extend(second);
            }
            self.push(id, Work::Activity { task_type: "work" }, deps);
        }
    }

    /// Another decision that may choose a task, beside the first or behind it.
    fn second_decision(&mut self, place: usize, first: usize, target: usize) {
        let mut aside = self.dice.aside("what the second decides");
        let condition = any_condition(&mut aside);
        let branches = vec![Branch { condition, targets: vec![target] }];
        let deps = if aside.chance(50) { vec![first] } else { Vec::new() };
        self.push(format!("t{place}"), Work::Decision { branches, default: None }, deps);
    }

    fn map(&mut self, id: String, deps: Vec<usize>) {
        let items = match deps.first() {
            Some(dep) if self.dice.chance(30) => Items::OutputOf(*dep),
            Some(_) | None => Items::Numbers(self.dice.below(5)),
        };
        let types = ["work", "work", "work", "work", "heavy", "metered", "noop", "timer"];
        let mut aside = self.dice.aside("type of a map");
        let task_type = types[aside.below(types.len())];
        // What a task puts out is no time to wait.
        let items = match items {
            Items::OutputOf(_) if task_type == "timer" => Items::Numbers(aside.below(4)),
            Items::OutputOf(_) | Items::Numbers(_) => items,
        };
        self.push(id, Work::Map { task_type, items }, deps);
    }

    fn options(&mut self, work: &Work) -> Options {
        let at_most_once = self.dice.chance(10);
        let mut options = Options {
            at_most_once,
            max_retries: if !at_most_once && self.dice.chance(40) {
                self.dice.between(1, 3) as u32
            } else {
                0
            },
            timeout_s: self.seldom(12),
            queue_timeout_s: self.seldom(6),
            heartbeat_timeout_s: self.seldom(8),
            total_timeout_s: self.seldom(6),
            max_deliveries: self.deliveries(),
            priority: self.dice.chance(25).then(|| [0, 1, 2, 2][self.dice.below(4)]),
            is_fair: self.dice.chance(10) || self.is_fair_too(),
            ..Options::default()
        };
        self.limit(work, &mut options);
        if options.max_retries > 0 {
            self.retry(&mut options);
            let mut aside = self.dice.aside("waits with retries");
            // What is waited for anew with each attempt, and what is not.
            match aside.below(8) {
                0 => options.queue_timeout_s = Some(aside.between(1, 60)),
                1 => options.total_timeout_s = Some(aside.between(1, 60)),
                // It is over before the wait for the next attempt is.
                2 => {
                    options.base_delay_s = Some(aside.between(20, 40));
                    options.total_timeout_s = Some(aside.between(5, 20));
                }
                _ => {}
            }
        }
        let mut aside = self.dice.aside("impatience");
        if self.limits.are_impatient && aside.chance(60) {
            options.queue_timeout_s = Some(aside.between(1, 30));
        }
        options
    }

    fn retry(&mut self, options: &mut Options) {
        match self.dice.below(10) {
            0 => options.retry_on = self.kind(),
            1 => options.no_retry_on = self.kind(),
            2 => (options.retry_on, options.no_retry_on) = (self.kind(), self.kind()),
            3 => {
                let seconds = self.dice.between(1, 20);
                options.retry_budget_s =
                    Some(seconds * [1, 10][self.dice.aside("retry budget").below(2)]);
            }
            4 => options.base_delay_s = Some(self.dice.between(2, 40)),
            5 => options.max_delay_s = Some(self.dice.between(1, 3)),
            6 => options.jitter_percent = Some([0, 25, 100][self.dice.below(3)]),
            _ => {}
        }
    }

    /// A kind of error, by its class or one of its bases.
    fn kind(&mut self) -> Option<&'static str> {
        let kinds =
            ["ValueError", "KeyError", "LookupError", "TimeoutError", "OSError", "Exception"];
        self.dice.one_of(&kinds).copied()
    }

    /// How often workers may die under a task, where that is said.
    fn deliveries(&self) -> Option<u32> {
        [Some(1), Some(2), Some(2), Some(2), Some(3), None][self.dice.aside("deliveries").below(6)]
    }

    fn seldom(&mut self, percent: usize) -> Option<u64> {
        self.dice.chance(percent).then(|| self.dice.between(1, 60))
    }

    fn is_limited_too(&self) -> bool {
        self.limits.are_many && self.dice.aside("one limit more").chance(60)
    }

    fn is_fair_too(&self) -> bool {
        self.limits.are_fair && self.dice.aside("one fairness key more").chance(80)
    }

    /// How many may be at work at once under the key of a task, as this task has it.
    fn keyed(&self) -> u32 {
        self.limits.keyed[usize::from(self.dice.aside("one permit more").chance(40))]
    }

    fn limit(&mut self, work: &Work, options: &mut Options) {
        match work {
            // All of it waits in one line.
            Work::Activity { task_type } | Work::Map { task_type, .. } if self.limits.are_fair => {
                options.concurrency_key = Some(Key::Shared);
                options.concurrency = Some(self.keyed());
                options.rate = (*task_type == "metered").then_some(self.limits.rate);
            }
            Work::Activity { task_type: "heavy" } => options.concurrency = Some(self.limits.heavy),
            Work::Activity { task_type: "metered" } => options.rate = Some(self.limits.rate),
            Work::Map { task_type, .. } => {
                if self.dice.chance(40) {
                    options.concurrency = Some(self.dice.between(1, 2) as u32);
                }
                let mut aside = self.dice.aside("key of a map");
                if aside.chance(20) {
                    let key = [Key::Shared, Key::OfRun, Key::OfPlace][aside.below(3)];
                    options.concurrency_key = Some(key);
                    options.concurrency = Some(self.keyed());
                }
                options.rate = (*task_type == "metered").then_some(self.limits.rate);
            }
            Work::Activity { .. } if self.dice.chance(12) || self.is_limited_too() => {
                let key = if self.dice.chance(50) { Key::Shared } else { Key::OfRun };
                options.concurrency_key = Some(key);
                options.concurrency = Some(self.keyed());
                options.rate = self.dice.chance(30).then_some(self.limits.rate);
                options.is_concurrency_untold =
                    options.concurrency == Some(1) && self.dice.aside("untold limit").chance(50);
            }
            Work::Activity { .. }
            | Work::Noop
            | Work::Now
            | Work::Timer { .. }
            | Work::Gateway
            | Work::Transformation { .. }
            | Work::Decision { .. } => {}
        }
    }

    /// A handler may be given the outputs of any others, whether they have ended or not.
    fn any_of(&self, handler: usize) -> Option<Reads> {
        let mut dice = self.dice.aside("what a handler reads");
        dice.chance(50).then(|| listed(&mut dice, (0..handler).collect()))
    }

    /// A handler for some tasks, which may have a handler itself.
    fn handler(&mut self, owner: usize) {
        if !self.dice.chance(20) {
            return;
        }
        let mut owner = owner;
        loop {
            let id = format!("h{}", self.tasks.len());
            let task = self.plain(&id, "mend");
            self.tasks[task].handles = Some(owner);
            self.tasks[task].reads = self.any_of(task);
            if self.dice.chance(15) {
                self.tasks[task].condition = Condition::Flag;
            }
            let recovers = self.dice.chance(50);
            self.tasks[owner].handler = Some(Handler { task, recovers });
            if !self.dice.chance(25) {
                return;
            }
            owner = task;
        }
    }
}

fn is_map(work: &Work) -> bool {
    matches!(work, Work::Map { .. })
}

/// Some of the tasks, of which there is one at least, in any order; seldom one of them twice.
fn listed(dice: &mut Dice, mut tasks: Vec<usize>) -> Reads {
    let count = dice.between(1, tasks.len().min(4) as u64);
    let mut list: Vec<usize> =
        (0..count).map(|_| tasks.swap_remove(dice.below(tasks.len()))).collect();
    if dice.chance(10) {
        list.push(list[0]);
    }
    Reads::List(list)
}

fn any_condition(dice: &mut Dice) -> Condition {
    let plain = [Condition::True, Condition::False, Condition::Flag][dice.below(3)];
    if dice.chance(10) { Condition::Claim(dice.next()) } else { plain }
}
