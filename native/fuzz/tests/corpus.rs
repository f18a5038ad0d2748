//! Every input that was ever found, and mutants of what a search begins with.

use pyflow_fuzz::mutants::Mutants;
use pyflow_fuzz::seeds::seeds;
use pyflow_fuzz::targets::{TARGETS, target};

const MUTANT_COUNT: usize = 20_000;

/// Tries them in the order in which they are made, so that a failure comes again.
fn try_all(name: &str) {
    let target = target(name).expect("it is one of the targets");
    let seeds = seeds(name).expect("the corpus can be read");
    assert!(seeds.len() > 1, "a search begins with something");
    let mutants = Mutants::of(&seeds, 1).take(MUTANT_COUNT);
    for input in seeds.iter().cloned().chain(mutants) {
        let held = std::panic::catch_unwind(|| target(&input)).is_ok();
        assert!(held, "{name} fails with b\"{}\"", input.escape_ascii());
    }
}

macro_rules! each_holds_for {
    ($($name:ident)*) => {
        $(#[test] fn $name() { try_all(stringify!($name)); })*

        #[test]
        fn every_target_is_tried() {
            let tried = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|(name, _)| name).as_slice(), tried);
        }
    };
}

each_holds_for! {
    columns definition event expression graph snapshot stored_definition template transform
}
