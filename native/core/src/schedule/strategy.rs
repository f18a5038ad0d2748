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

/// Keeps count of what each urgency has had.
#[derive(Debug, Default)]
pub(super) struct Turns {
    credit: [i64; 3],
}

impl Turns {
    /// The order in which to look for work, given which urgencies have any.
    pub(super) fn order(&self, strategy: Strategy, has_work: [bool; 3]) -> [usize; 3] {
        let mut order = [0, 1, 2];
        if let Strategy::WeightedFairShare(weights) = strategy {
            let due = |lane: &usize| {
                let gain = if has_work[*lane] { i64::from(weights.0[*lane]) } else { 0 };
                (-(self.credit[*lane] + gain), *lane)
            };
            order.sort_by_key(due);
        }
        order
    }

    /// Charges the urgency that was served; all that have work gain their weight.
    pub(super) fn served(&mut self, strategy: Strategy, has_work: [bool; 3], lane: usize) {
        let Strategy::WeightedFairShare(weights) = strategy else { return };
        let mut total = 0;
        for ((credit, weight), has_work) in self.credit.iter_mut().zip(weights.0).zip(has_work) {
            if has_work {
                *credit += i64::from(weight);
                total += i64::from(weight);
            } else {
                *credit = 0;
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

        for _ in 0..1000 {
            let lane = turns.order(strategy, [true; 3])[0];
            turns.served(strategy, [true; 3], lane);
            served[lane] += 1;
        }

        assert_eq!(served, [700, 250, 50]);
    }

    #[test]
    fn an_urgency_without_work_leaves_its_share_to_the_others() {
        let strategy = Strategy::WeightedFairShare(Weights::default());
        let mut turns = Turns::default();
        let mut served = [0; 3];

        for _ in 0..300 {
            let lane = turns.order(strategy, [false, true, true])[0];
            turns.served(strategy, [false, true, true], lane);
            served[lane] += 1;
        }

        assert_eq!(served, [0, 250, 50]);
    }
}
