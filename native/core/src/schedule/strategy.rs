//! How the three urgencies share the workers.

/// Shares of high, normal and low, as whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights(pub [u32; 3]);

impl Default for Weights {
    fn default() -> Self {
        Self([70, 25, 5])
    }
}

/// The rule by which the next urgency is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The most urgent work there is.
    #[default]
    Strict,
    /// Each urgency in proportion to its weight, while it has work.
    WeightedFairShare(Weights),
}

/// Which urgencies had work when a worker took some.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Demand {
    /// That this worker could begin.
    pub(super) here: [bool; 3],
    /// That any worker might.
    pub(super) anywhere: [bool; 3],
}

/// Keeps count of what each urgency has had.
#[derive(Debug, Default)]
pub(super) struct Turns {
    credit: [i64; 3],
}

impl Turns {
    /// The order in which to look for work.
    pub(super) fn order(&self, strategy: Strategy, demand: Demand) -> [usize; 3] {
        let mut order = [0, 1, 2];
        if let Strategy::WeightedFairShare(weights) = strategy {
            let due = |lane: &usize| {
                let gain = if demand.here[*lane] { i64::from(weights.0[*lane]) } else { 0 };
                (-(self.credit[*lane] + gain), *lane)
            };
            order.sort_by_key(due);
        }
        order
    }

    /// Charges the urgency that was served; all that had work here gain their weight. One that waits
    /// for another worker or pool keeps what it has, one that waits for nothing does not.
    pub(super) fn served(&mut self, strategy: Strategy, demand: Demand, lane: usize) {
        let Strategy::WeightedFairShare(weights) = strategy else { return };
        let mut total = 0;
        for (each, weight) in weights.0.into_iter().map(i64::from).enumerate() {
            if demand.here[each] {
                self.credit[each] += weight;
                total += weight;
            } else if !demand.anywhere[each] {
                self.credit[each] = 0;
            }
        }
        self.credit[lane] -= total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_shares_come_out_in_proportion() {
        let strategy = Strategy::WeightedFairShare(Weights::default());
        let mut turns = Turns::default();
        let mut served = [0; 3];

        let all = Demand { here: [true; 3], anywhere: [true; 3] };
        for _ in 0..1000 {
            let lane = turns.order(strategy, all)[0];
            turns.served(strategy, all, lane);
            served[lane] += 1;
        }

        assert_eq!(served, [700, 250, 50]);
    }

    #[test]
    fn an_urgency_without_work_leaves_its_share_to_the_others() {
        let strategy = Strategy::WeightedFairShare(Weights::default());
        let mut turns = Turns::default();
        let mut served = [0; 3];

        let two = Demand { here: [false, true, true], anywhere: [false, true, true] };
        for _ in 0..300 {
            let lane = turns.order(strategy, two)[0];
            turns.served(strategy, two, lane);
            served[lane] += 1;
        }

        assert_eq!(served, [0, 250, 50]);
    }
}
