//! The core's hot loops, timed, or run a number of times for a tool that counts instructions.
//!
//! `cargo bench -p pyflow-core` times them with divan. `hot_loops --count NAME TIMES SIZE` only runs one of them;
//! `benches/workloads/instructions.py` does so under callgrind, whose counts are the same on a busy machine.

#[allow(dead_code, unreachable_pub)] // The tests of size use more of it.
#[path = "../../tests/size/driver.rs"]
mod driver;
mod loops;

use loops::{Fold, Layers, many_runs, one_run, sort};

const NODES: u32 = 10_000;
const RUNS: u32 = 1_000;

#[allow(clippy::disallowed_methods)] // A program is told what to run; the core is not.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--count", name, times, size] => {
            let number = |text: &str| text.parse().expect("a whole number");
            count(name, number(times), number(size));
        }
        _ => divan::main(),
    }
}

/// What is not the loop itself, such as making the graph, happens once whatever `times` is.
fn count(name: &str, times: u32, size: u32) {
    match name {
        "sort" => repeat(times, &Layers::new(size), sort),
        "one_run" => repeat(times, &Layers::new(size), one_run),
        "many_runs" => repeat(times, &size, |runs| many_runs(*runs)),
        "fold" => repeat(times, &Fold::new(size), Fold::run),
        _ => panic!("there is no loop named {name}"),
    }
}

fn repeat<T>(times: u32, given: &T, run: impl Fn(&T) -> usize) {
    for _ in 0..times {
        divan::black_box(run(given));
    }
}

#[divan::bench]
fn sort_layers(bencher: divan::Bencher<'_, '_>) {
    let layers = Layers::new(NODES);
    bencher.bench(|| sort(&layers));
}

#[divan::bench]
fn one_run_of_layers(bencher: divan::Bencher<'_, '_>) {
    let layers = Layers::new(NODES);
    bencher.bench(|| one_run(&layers));
}

#[divan::bench]
fn many_runs_of_five(bencher: divan::Bencher<'_, '_>) {
    bencher.bench(|| many_runs(RUNS));
}

#[divan::bench]
fn fold_a_log(bencher: divan::Bencher<'_, '_>) {
    let fold = Fold::new(RUNS);
    bencher.bench(|| fold.run());
}
