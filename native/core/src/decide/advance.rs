//! What a ready instance leads to without a worker: the core's own tasks, conditions, maps.

use super::args::{bounded, ready_time, render};
use super::view::View;
use crate::command::Wake;
use crate::definition::{Definition, Kind};
use crate::event::{
    DecisionTaken, Event, GatewayPassed, MapExpanded, TaskCompleted, TaskError, TaskFailed,
    TaskSkipped, TimerStarted,
};
use crate::expr::{ExprCode, ExprError, Fuel};
use crate::ids::{InstanceIndex, TaskIndex};
use crate::limits::{SPAN_MS_MAX, TASK_COUNT_MAX};
use crate::payload::Payload;
use crate::seeded::{Bug, is_planted};
use crate::state::{Ending, Phase, Run};
use crate::time::Millis;

/// What to do with an instance that is ready.
#[derive(Debug)]
pub enum Step {
    /// It is work for a worker.
    Dispatch,
    /// The core has done it.
    Done(Box<Event>),
}

/// Takes a ready instance as far as it goes without a worker.
pub fn advance(run: &Run, instance: InstanceIndex, now: Millis) -> Step {
    let definition = run.definition().clone();
    let task = run.task_of(instance);
    let attempts = Attempts { run, definition: &definition, instance, task, now };
    match attempts.step() {
        Ok(step) => step,
        Err(error) => Step::Done(Box::new(attempts.failed(&error))),
    }
}

/// Whether a ready instance is work for a worker: the one step of `advance` that records nothing.
pub fn is_for_worker(run: &Run, instance: InstanceIndex, now: Millis) -> bool {
    let definition = run.definition().clone();
    let task = run.task_of(instance);
    if definition.kind(task) != Kind::Activity {
        return false;
    }
    let attempts = Attempts { run, definition: &definition, instance, task, now };
    let is_map = definition.options(task).for_each.is_some();
    let opens = || !run.is_untried(instance) || attempts.condition_holds().unwrap_or(false);
    run.item_of(instance).is_some() || (!is_map && opens())
}

struct Attempts<'a> {
    run: &'a Run,
    definition: &'a Definition,
    instance: InstanceIndex,
    task: TaskIndex,
    now: Millis,
}

impl Attempts<'_> {
    fn step(&self) -> Result<Step, ExprError> {
        let is_item = self.run.item_of(self.instance).is_some();
        if !is_item {
            if self.run.is_untried(self.instance) && !self.condition_holds()? {
                let (run, instance) = (self.run.number(), self.instance);
                return Ok(done(TaskSkipped { run, instance, at: self.now }));
            }
            if self.definition.options(self.task).for_each.is_some() {
                return self.expand();
            }
        }
        match self.definition.kind(self.task) {
            Kind::Activity => Ok(Step::Dispatch),
            Kind::Noop => Ok(self.completed(Payload::default())),
            Kind::Now => {
                let ready = ready_time(self.run, self.instance, self.now);
                Ok(self.completed(Payload::new(format!("\"{ready}\"").into())))
            }
            Kind::Timer => self.timer(),
            Kind::Decision => self.decision(),
            Kind::Transformation => self.transformation(),
            Kind::Gateway => Ok(self.gateway()),
        }
    }

    fn view(&self) -> View<'_> {
        View::new(self.run, self.instance, ready_time(self.run, self.instance, self.now))
    }

    fn condition_holds(&self) -> Result<bool, ExprError> {
        match &self.definition.options(self.task).condition {
            None => Ok(true),
            Some(condition) => condition.evaluate_bool(&self.view(), &mut Fuel::default()),
        }
    }

    fn completed(&self, output: Payload) -> Step {
        let (run, instance) = (self.run.number(), self.instance);
        done(TaskCompleted { run, instance, output, at: self.now })
    }

    fn expand(&self) -> Result<Step, ExprError> {
        let template = self.definition.options(self.task).for_each.as_ref();
        let items = render(template.expect("the caller saw it"), &self.view())?;
        let count = crate::state::item_count(&items).ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(&items).chars().take(60).collect();
            ExprError::new(ExprCode::Failed, format!("for_each is {shown}; a list is wanted"))
        })?;
        if count + self.run.instance_count() > TASK_COUNT_MAX + self.definition.task_count() {
            let message =
                format!("for_each has {count} items; at most {TASK_COUNT_MAX} are allowed");
            return Err(ExprError::new(ExprCode::CostExceeded, message));
        }
        let (run, instance) = (self.run.number(), self.instance);
        let items = Payload::new(items);
        Ok(done(MapExpanded { run, instance, items, at: self.now }))
    }

    fn timer(&self) -> Result<Step, ExprError> {
        let shape = self.definition.shape(self.task);
        let place = shape.iter().position(|name| &**name == "seconds");
        let args = super::args::render_args(self.run, self.instance)?;
        let given = place.and_then(|place| args.values.get(place));
        let text = given.expect("compile checked `seconds`").text();
        let seconds: Option<f64> = serde_json::from_slice(&text).ok();
        let most_s = (SPAN_MS_MAX / 1000) as f64;
        let seconds =
            seconds.filter(|seconds| (0.0..=most_s).contains(seconds)).ok_or_else(|| {
                let shown = String::from_utf8_lossy(&text);
                let message = format!("seconds is {shown}; a number from 0 to {most_s} is wanted");
                ExprError::new(ExprCode::Failed, message)
            })?;
        let ready = ready_time(self.run, self.instance, self.now);
        let until = ready.plus((seconds * 1000.0).ceil() as u64);
        let (run, instance) = (self.run.number(), self.instance);
        Ok(done(TimerStarted { run, instance, until, at: self.now }))
    }

    fn decision(&self) -> Result<Step, ExprError> {
        let branches = self.definition.branches(self.task);
        let view = self.view();
        let mut fuel = Fuel::default();
        let mut taken = branches.len();
        for (place, branch) in branches.iter().enumerate() {
            if branch.condition.evaluate_bool(&view, &mut fuel)? {
                taken = place;
                if is_planted(Bug::DecisionTakesLast) {
                    continue;
                }
                break;
            }
        }
        let (run, instance, branch) = (self.run.number(), self.instance, taken as u32);
        Ok(done(DecisionTaken { run, instance, branch, at: self.now }))
    }

    fn transformation(&self) -> Result<Step, ExprError> {
        let transform = self.definition.transform(self.task);
        let output = transform.apply(&self.view(), &mut Fuel::default())?;
        Ok(self.completed(Payload::new(bounded(output.into())?)))
    }

    fn gateway(&self) -> Step {
        let first_completed = self.definition.predecessors(self.task).iter().find(|source| {
            let ending = self.run.ending(TaskIndex(**source).instance());
            matches!(ending, Some(Ending::Completed | Ending::Mended))
        });
        let is_wrong = is_planted(Bug::GatewayTakesLast);
        let last = self.definition.predecessors(self.task).last().filter(|_| is_wrong);
        let from = last.or(first_completed).map(|source| TaskIndex(*source));
        let (run, instance) = (self.run.number(), self.instance);
        done(GatewayPassed { run, instance, from, at: self.now })
    }

    fn failed(&self, error: &ExprError) -> Event {
        let attempt = self.run.attempt(self.instance);
        let message = format!("{}: {}", self.run.instance_id(self.instance), error.message);
        let error = Box::new(TaskError::final_of_engine(kind_of(error), message));
        let (run, instance) = (self.run.number(), self.instance);
        TaskFailed { run, instance, attempt, error, at: self.now }.into()
    }
}

fn done(event: impl Into<Event>) -> Step {
    Step::Done(Box::new(event.into()))
}

/// The public name of what an expression was refused with.
pub(super) fn kind_of(error: &ExprError) -> &'static str {
    match error.code {
        ExprCode::Invalid => "ExpressionInvalid",
        ExprCode::Failed => "ExpressionFailed",
        ExprCode::CostExceeded => "CostExceeded",
    }
}

/// What becomes due of an instance at a time of its own, if anything.
pub fn own_wake(run: &Run, instance: InstanceIndex) -> Option<(Millis, Wake)> {
    let wake = Wake::Instance { run: run.number(), instance };
    match run.active(instance)?.phase {
        Phase::Sleeping { until } | Phase::Backoff { until } => Some((until, wake)),
        Phase::Ready | Phase::Leased { .. } | Phase::Mapping => None,
    }
}

/// When all attempts of a worker's task together have lasted too long, if that is bounded.
pub fn total_wake(run: &Run, instance: InstanceIndex) -> Option<(Millis, Wake)> {
    let task = run.task_of(instance);
    let span_ms = run.definition().options(task).total_timeout_ms?;
    let is_worked_on = run.definition().kind(task) == Kind::Activity && run.map(instance).is_none();
    let at = run.first_ready(instance).filter(|_| is_worked_on)?.plus(span_ms);
    Some((at, Wake::TotalTimeout { run: run.number(), instance }))
}

/// When an instance has waited too long for a worker, if that is bounded.
pub fn queue_wake(run: &Run, instance: InstanceIndex) -> Option<(Millis, Wake)> {
    let span_ms = run.definition().options(run.task_of(instance)).queue_timeout_ms?;
    let at = run.in_queue_since(instance)?.plus(span_ms);
    Some((at, Wake::QueueTimeout { run: run.number(), instance }))
}
