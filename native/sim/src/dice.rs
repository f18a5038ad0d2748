//! All chance of the simulator: numbers from one seed.

/// A generator (splitmix64): the same seed gives the same numbers on any machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A number from `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// True in `percent` of all cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub(crate) fn one_of<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }

    /// The index of one of them, each as likely as its weight; none where all weigh nothing.
    pub(crate) fn weighed(&mut self, weights: &[usize]) -> Option<usize> {
        let sum: usize = weights.iter().sum();
        if sum == 0 {
            return None;
        }
        let mut left = self.below(sum);
        weights.iter().position(|weight| {
            let is_here = left < *weight;
            left = left.saturating_sub(*weight);
            is_here
        })
    }

    /// Another generator, so that what one part draws does not move what another part draws.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// The same for what came to be drawn later than the rest, and is named: it moves nothing of the
    /// rest, and two of other names know nothing of each other.
    pub(crate) fn aside(&self, name: &str) -> Self {
        let mixed = |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3); // FNV-1a
        Self(self.0 ^ name.bytes().fold(0xcbf2_9ce4_8422_2325, mixed)).fork()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let mut one = Dice::new(7);
        let mut other = Dice::new(7);

        assert!((0..100).all(|_| one.next() == other.next()));
        assert_ne!(Dice::new(7).next(), Dice::new(8).next());
    }

    #[test]
    fn what_is_drawn_aside_moves_nothing_and_depends_on_nothing_but_its_name() {
        let mut dice = Dice::new(7);
        let (one, same, other) = (dice.aside("one"), dice.aside("one"), dice.aside("other"));
        let drawn = |mut dice: Dice| (0..1_000).map(|_| dice.next()).collect::<Vec<_>>();
        let is_shared = |one: &[u64], other: &[u64]| one.iter().any(|n| other.contains(n));

        assert_eq!(drawn(one.clone()), drawn(same));
        assert!(!is_shared(&drawn(one.clone()), &drawn(other.clone())));
        assert_eq!(drawn(dice.clone()), drawn(Dice::new(7)), "nothing of the rest is moved");
        let main = drawn(dice.clone());
        for aside in [one, other] {
            assert!(!main.contains(&aside.0), "its state is no number of the rest");
            assert!(!is_shared(&main, &drawn(aside)));
        }
        assert_ne!(drawn(dice.aside("one")), {
            dice.next();
            drawn(dice.aside("one"))
        });
    }

    #[test]
    fn what_weighs_nothing_is_never_drawn() {
        let mut dice = Dice::new(1);

        let drawn: Vec<_> = (0..100).filter_map(|_| dice.weighed(&[0, 3, 0, 1])).collect();

        assert!(drawn.iter().all(|index| [1, 3].contains(index)));
        assert!(drawn.contains(&1) && drawn.contains(&3));
        assert_eq!(dice.weighed(&[0, 0]), None);
    }
}
