//! What a seed draws once: sizes, limits, and which faults come how often. Most seeds are calm in
//! most ways, so that each fault is also met alone.

use pyflow_core::schedule::{Strategy, Weights};

use crate::dice::Dice;
use crate::faults::{DEADLY, FAULTS, FILLING, Fault};
use crate::flows::Limits;

/// The shape of one seed.
#[derive(Clone, Debug)]
pub(crate) struct Swarm {
    pub(crate) steps: usize,
    pub(crate) flow_count: usize,
    pub(crate) task_count: usize,
    pub(crate) run_count_max: usize,
    pub(crate) limits: Limits,
    pub(crate) slots: [u32; 3],
    pub(crate) worker_count: usize,
    /// Of a hundred task types that a worker could run, so many it knows.
    pub(crate) known_percent: usize,
    pub(crate) max_concurrent_runs: usize,
    pub(crate) strategy: Strategy,
    pub(crate) default_timeout_ms: Option<u64>,
    /// So many bytes of log ask for a checkpoint.
    pub(crate) checkpoint_size: u64,
    /// Events after which a turn takes nothing more.
    pub(crate) turn_event_count_max: usize,
    /// How often a step is a fault, and how much each fault weighs then.
    pub(crate) fault_percent: usize,
    pub(crate) fault_weights: Vec<usize>,
    /// Of a hundred times that a worker could get on with something, so many it does not.
    pub(crate) idle_percent: usize,
    /// Of a hundred times that it does, so many are signs of life and no end.
    pub(crate) speaking_percent: usize,
    /// Of a hundred reports, so many are failures, and so many say that it stopped.
    pub(crate) failed_percent: usize,
    pub(crate) cancelled_percent: usize,
    /// Of a hundred steps of clients, so many control runs or tasks.
    pub(crate) control_percent: usize,
    pub(crate) keyed_percent: usize,
    /// Of a hundred steps of clients, so many ask to have ended runs forgotten.
    pub(crate) prune_percent: usize,
    /// How long ended runs are kept, where that has a bound.
    pub(crate) retention_ms: Option<u64>,
    /// Of a hundred steps, so many let more than a day pass.
    pub(crate) day_percent: usize,
    /// Entries of the queues that are not swept out, stale or not.
    pub(crate) sweep_count_min: usize,
}

impl Swarm {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        // For what came to be drawn later than the rest: it moves nothing of the rest.
        let mut aside = dice.aside("rare settings");
        let is_wild = dice.chance(75);
        let fault_weights =
            FAULTS.iter().map(|_| if dice.chance(50) { 1 + dice.below(5) } else { 0 }).collect();
        let is_fair = dice.chance(25);
        let weights = [Weights::default(), Weights([3, 2, 1]), Weights([1, 1, 1])][dice.below(3)];
        let fair = || Strategy::WeightedFairShare(weights);
        let drawn = Self {
            steps: 30 + dice.below(220),
            flow_count: 1 + dice.below(3),
            task_count: 1 + dice.below(12),
            run_count_max: 1 + dice.below(10),
            limits: Limits {
                heavy: 1 + dice.below(2) as u32,
                keyed: keyed(dice),
                rate: [(2, 1_000), (30, 60_000), (1, 1_000), (3, 1_000), (4, 3_600_000)]
                    [dice.below(5)],
                are_many: aside.chance(20),
                are_impatient: false,
                are_fair: false,
                default_flag: aside.chance(25).then(|| aside.chance(50)),
            },
            slots: [1 + dice.below(5) as u32, 1 + aside.below(3) as u32, 1 + dice.below(3) as u32],
            worker_count: 1 + dice.below(2),
            known_percent: [100, 100, 100, 100, 60][dice.aside("known types").below(5)],
            max_concurrent_runs: if dice.chance(25) { 1 + dice.below(3) } else { usize::MAX },
            strategy: if is_fair { fair() } else { Strategy::Strict },
            default_timeout_ms: dice.chance(15).then(|| dice.between(1, 90) * 1_000),
            checkpoint_size: [300, 2_000, 10_000, u64::MAX][dice.below(4)],
            turn_event_count_max: [1, 3, 10, 10_000, 10_000][dice.below(5)],
            fault_percent: if is_wild { 2 + dice.below(14) } else { 0 },
            fault_weights,
            idle_percent: 0,
            speaking_percent: 16,
            failed_percent: [0, 5, 15, 40][dice.below(4)],
            cancelled_percent: dice.below(6),
            control_percent: [0, 10, 25, 50][dice.below(4)],
            keyed_percent: [0, 30, 80][dice.below(3)],
            prune_percent: [0, 0, 0, 8][dice.below(4)],
            retention_ms: retention_ms(dice.aside("retention")),
            day_percent: [1, 1, 1, 8][aside.below(4)],
            sweep_count_min: [0, 3, 10_000][aside.below(3)],
        };
        match dice.aside("theme").below(14) {
            0 => drawn.crowded(),
            1 => drawn.deadly(),
            2 => drawn.fair(),
            3 => drawn.stuffed(),
            _ => drawn,
        }
    }

    /// Much work waits for few workers, and is paused and goes on while it does; nothing else happens.
    fn crowded(self) -> Self {
        Self {
            steps: self.steps.max(120),
            run_count_max: self.run_count_max.max(6),
            limits: Limits { are_impatient: true, ..self.limits },
            slots: [1, 1, 1],
            worker_count: 1,
            turn_event_count_max: 10_000,
            fault_percent: 0,
            control_percent: 50,
            ..self
        }
    }

    /// Runs with fairness keys of their own wait for few slots and fewer permits.
    fn fair(self) -> Self {
        Self {
            steps: self.steps.max(120),
            run_count_max: self.run_count_max.max(6),
            task_count: self.task_count.max(8),
            limits: Limits { are_fair: true, heavy: 1, keyed: [1; 2], ..self.limits },
            slots: [2, 1, 2],
            worker_count: 1,
            fault_percent: 0,
            ..self
        }
    }

    /// The disk is full again and again, while much is at work that tells how it gets on, and fails.
    fn stuffed(self) -> Self {
        Self {
            steps: self.steps.max(120),
            slots: [4, 2, 2],
            worker_count: 1,
            fault_percent: 10,
            fault_weights: weights_of(FILLING),
            idle_percent: 30,
            speaking_percent: 70,
            failed_percent: 40,
            ..self
        }
    }

    /// The process dies again and again, with much in the hands of slow workers.
    fn deadly(self) -> Self {
        Self {
            slots: [4, 2, 2],
            worker_count: 1,
            fault_percent: 12,
            fault_weights: weights_of(DEADLY),
            idle_percent: 85,
            failed_percent: 5,
            ..self
        }
    }
}

/// Only these faults come, each as often as it stands among them.
fn weights_of(faults: &[Fault]) -> Vec<usize> {
    let weight = |name| faults.iter().filter(|fault| fault.name == name).count();
    FAULTS.iter().map(|fault| weight(fault.name)).collect()
}

/// Mostly all tasks have the same.
fn keyed(dice: &mut Dice) -> [u32; 2] {
    let most = 1 + dice.below(2) as u32;
    [most, most + u32::from(dice.aside("one permit more").chance(20))]
}

fn retention_ms(mut dice: Dice) -> Option<u64> {
    dice.chance(10).then(|| [60_000, 3_600_000, 90_000_000][dice.below(3)])
}
