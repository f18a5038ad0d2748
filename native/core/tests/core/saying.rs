//! What tasks say while they run stands in the history, and changes nothing.

use pyflow_core::event::{Event, SaidLine, TaskSaid};
use pyflow_core::lifecycle::RunState;
use pyflow_core::limits::{SAID_LINE_COUNT_MAX, SAID_LINE_SIZE_MAX};
use pyflow_core::payload::Payload;
use pyflow_core::time::Millis;
use serde_json::json;

use crate::support::{Rig, document, task, with};

fn said(rig: &Rig) -> Vec<TaskSaid> {
    let said = rig.events.iter().filter_map(|event| {
        if let Event::TaskSaid(said) = event { Some(said.clone()) } else { None }
    });
    said.collect()
}

fn texts(rig: &Rig) -> Vec<(u32, Vec<String>)> {
    let texts = |said: TaskSaid| said.lines.into_iter().map(|line| line.text).collect();
    said(rig).into_iter().map(|said| (said.attempt, texts(said))).collect()
}

#[test]
fn lines_are_kept_with_the_attempt_that_said_them() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[with(task("a", &[]), &json!({"max_retries": 1, "jitter": 0}))]));

    rig.say("a", &["one", "two"]);
    rig.fail("a");
    rig.advance_to_wake();
    rig.say("a", &["three"]);
    rig.complete("a");

    let line = |text: &str| text.to_string();
    assert_eq!(texts(&rig), [(1, vec![line("one"), line("two")]), (2, vec![line("three")])]);
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn lines_alone_ask_for_no_sync_and_go_with_what_does() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &[])]));
    let (a, b) = (rig.held("a").expect("at work"), rig.held("b").expect("at work"));
    let line = |text: &str| SaidLine { at: rig.now, level: "INFO".into(), text: text.into() };

    rig.shard.say(a.session, a.handle, vec![line("only this")], rig.now);
    let alone = rig.shard.end_turn(rig.now);
    rig.shard.say(a.session, a.handle, vec![line("and then")], rig.now);
    let output = Payload::new("1".into());
    let outcome = pyflow_core::command::Outcome::Completed { output };
    rig.shard.report(b.session, b.handle, outcome, rig.now);
    let with_report = rig.shard.end_turn(rig.now);

    assert_eq!((alone.events.len(), alone.synced), (1, false));
    assert_eq!((with_report.events.len(), with_report.synced), (2, true));
}

#[test]
fn over_the_bound_of_an_attempt_nothing_is_kept_and_a_long_line_is_cut() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    let long = "é".repeat(SAID_LINE_SIZE_MAX);

    rig.say("a", &[&long]);
    for _ in 0..11 {
        rig.say("a", &["line"; 100]);
    }
    rig.complete("a");

    let kept: Vec<SaidLine> = said(&rig).into_iter().flat_map(|said| said.lines).collect();
    assert_eq!(kept.len(), SAID_LINE_COUNT_MAX as usize);
    let cut = &kept[0].text;
    assert!(cut.ends_with(&format!("é … ({} bytes in all)", 2 * SAID_LINE_SIZE_MAX)));
    assert!(cut.len() < SAID_LINE_SIZE_MAX + 40, "{}", cut.len());
}

#[test]
fn a_line_stands_between_the_start_of_its_attempt_and_now() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    let begun = rig.now;
    rig.advance(1_000);
    let given = rig.held("a").expect("at work");
    let line = |at| SaidLine { at, level: "INFO".into(), text: "x".into() };
    let lines = [Millis(0), begun.plus(400), begun.plus(99_000)].map(line);

    rig.shard.say(given.session, given.handle, lines.to_vec(), rig.now);
    rig.pump();

    let times: Vec<u64> = said(&rig)[0].lines.iter().map(|line| line.at.since(begun)).collect();
    assert_eq!(times, [0, 400, 1_000]);
}

#[test]
fn what_is_said_of_an_attempt_that_is_over_is_not_kept() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[with(task("a", &[]), &json!({"timeout": 1}))]));
    let given = rig.held("a").expect("at work");
    rig.advance(1_000);
    assert_eq!(rig.run_state("r"), RunState::Failed);

    rig.say_of(&given, &["too late"]);

    assert!(said(&rig).is_empty());
}

#[test]
fn lines_that_were_lost_with_a_turn_may_be_said_again() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    rig.say("a", &["kept"; 600]);

    rig.gathers = true;
    rig.say("a", &["lost"; 400]);
    rig.lose_turn();
    rig.say("a", &["again"; 500]);

    let kept: usize = said(&rig).iter().map(|said| said.lines.len()).sum();
    assert_eq!(kept, SAID_LINE_COUNT_MAX as usize);
}
