//! What a campaign has done, as a page of plain text.

use std::fmt::Write;

use crate::campaign::Outcome;
use crate::faults::FAULTS;
use crate::probes::PROBES;
use crate::tally::Met;

const CANNOT_FAIL: &str = "writing to memory cannot fail";

/// The page.
pub fn page(outcome: &Outcome) -> String {
    let mut page = String::new();
    summary(outcome, &mut page).expect(CANNOT_FAIL);
    faults(outcome, &mut page).expect(CANNOT_FAIL);
    checks(outcome, &mut page).expect(CANNOT_FAIL);
    probes(outcome, &mut page).expect(CANNOT_FAIL);
    failures(outcome, &mut page).expect(CANNOT_FAIL);
    page
}

fn summary(outcome: &Outcome, page: &mut String) -> std::fmt::Result {
    let tally = &outcome.tally;
    let hours = tally.simulated_ms as f64 / 3_600_000.0;
    let seconds = outcome.span.as_secs_f64();
    writeln!(page, "seeds             {}", tally.seeds)?;
    writeln!(page, "failed            {}", outcome.failures.len())?;
    writeln!(page, "real time         {seconds:.1} s")?;
    writeln!(page, "seeds a second    {:.1}", tally.seeds as f64 / seconds.max(0.001))?;
    writeln!(page, "simulated time    {hours:.0} h")?;
    writeln!(page, "steps             {}", tally.steps)?;
    writeln!(page, "runs              {}", tally.runs)?;
    writeln!(page, "turns, events     {}, {}", tally.turns, tally.events)?;
    writeln!(page, "acknowledged      {}", tally.acknowledged)
}

fn line(page: &mut String, name: &str, met: Met) -> std::fmt::Result {
    writeln!(page, "  {name:52} {:9} times in {:7} seeds", met.times, met.seeds)
}

fn faults(outcome: &Outcome, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\nfaults")?;
    for (name, met) in &outcome.tally.faults {
        line(page, name, *met)?;
    }
    let never = FAULTS.iter().filter(|fault| !outcome.tally.faults.contains_key(fault.name));
    never.map(|fault| fault.name).try_for_each(|name| writeln!(page, "  NEVER: {name}"))
}

fn checks(outcome: &Outcome, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\ninvariants, and what each has judged")?;
    outcome.tally.checks.iter().try_for_each(|(name, count)| match count {
        0 => writeln!(page, "  NEVER: {name}"),
        _ => writeln!(page, "  {name:52} {count:9}"),
    })
}

fn probes(outcome: &Outcome, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\nrare paths")?;
    for name in PROBES {
        match outcome.tally.probes.get(name) {
            Some(met) => line(page, name, *met)?,
            None => writeln!(page, "  NEVER: {name}")?,
        }
    }
    Ok(())
}

fn failures(outcome: &Outcome, page: &mut String) -> std::fmt::Result {
    if outcome.failures.is_empty() {
        return Ok(());
    }
    writeln!(page, "\nfailures; replay one with: cargo run --release -p pyflow-sim -- SEED")?;
    for (seed, failure) in &outcome.failures {
        let shown: String = failure.to_string().chars().take(300).collect();
        writeln!(page, "  seed {seed}: {shown}")?;
    }
    Ok(())
}
