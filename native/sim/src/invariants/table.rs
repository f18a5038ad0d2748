//! All invariants.

use super::invariant::Invariant;
use super::{
    acknowledged_is_kept, answers_tell_the_record, arguments_are_right, asks_are_answered,
    at_most_once, canary, decisions_are_right, definitions_are_pinned, deliveries_are_bounded,
    ends_are_final, followers_miss_nothing, grants_are_recorded, heartbeats_are_heard,
    histories_have_no_gap, leases_exclude, limits_are_kept, nothing_is_early,
    one_result_an_attempt, one_run_a_key, rates_are_kept, ready_work_is_handed_out,
    records_have_causes, recovers_are_of_failures, refusals_leave_no_trace, replay_equals_live,
    reports_are_recorded, results_hold_all_outputs, retries_are_made, runs_are_admitted,
    runs_end_as_they_should, slots_are_kept, starts_are_taken_as_asked, stopped_runs_begin_nothing,
    stops_reach_workers, suspects_run_alone, tasks_open_in_their_turn, the_urgent_go_first,
    time_goes_forward, turns_are_whole, what_is_due_happens,
};

/// One of each, with nothing seen yet; with a false claim among them where that is wanted.
pub(crate) fn all_invariants(has_canary: bool) -> Vec<Box<dyn Invariant>> {
    let mut all: Vec<Box<dyn Invariant>> = vec![
        Box::new(acknowledged_is_kept::AcknowledgedIsKept),
        Box::new(answers_tell_the_record::AnswersTellTheRecord),
        Box::new(arguments_are_right::ArgumentsAreRight),
        Box::new(asks_are_answered::AsksAreAnswered),
        Box::new(at_most_once::AtMostOnce),
        Box::new(decisions_are_right::DecisionsAreRight),
        Box::new(definitions_are_pinned::DefinitionsArePinned),
        Box::new(deliveries_are_bounded::DeliveriesAreBounded),
        Box::new(ends_are_final::EndsAreFinal),
        Box::new(followers_miss_nothing::FollowersMissNothing),
        Box::new(grants_are_recorded::GrantsAreRecorded),
        Box::new(heartbeats_are_heard::HeartbeatsAreHeard),
        Box::new(histories_have_no_gap::HistoriesHaveNoGap),
        Box::new(leases_exclude::LeasesExclude),
        Box::new(limits_are_kept::LimitsAreKept),
        Box::new(nothing_is_early::NothingIsEarly),
        Box::new(one_result_an_attempt::OneResultAnAttempt),
        Box::new(one_run_a_key::OneRunAKey),
        Box::new(rates_are_kept::RatesAreKept),
        Box::new(ready_work_is_handed_out::ReadyWorkIsHandedOut),
        Box::new(records_have_causes::RecordsHaveCauses),
        Box::new(recovers_are_of_failures::RecoversAreOfFailures),
        Box::new(refusals_leave_no_trace::RefusalsLeaveNoTrace::default()),
        Box::new(replay_equals_live::ReplayEqualsLive),
        Box::new(reports_are_recorded::ReportsAreRecorded),
        Box::new(results_hold_all_outputs::ResultsHoldAllOutputs),
        Box::new(retries_are_made::RetriesAreMade),
        Box::new(runs_are_admitted::RunsAreAdmitted),
        Box::new(runs_end_as_they_should::RunsEndAsTheyShould),
        Box::new(slots_are_kept::SlotsAreKept),
        Box::new(starts_are_taken_as_asked::StartsAreTakenAsAsked),
        Box::new(stopped_runs_begin_nothing::StoppedRunsBeginNothing),
        Box::new(stops_reach_workers::StopsReachWorkers),
        Box::new(suspects_run_alone::SuspectsRunAlone::default()),
        Box::new(tasks_open_in_their_turn::TasksOpenInTheirTurn),
        Box::new(the_urgent_go_first::TheUrgentGoFirst),
        Box::new(time_goes_forward::TimeGoesForward),
        Box::new(turns_are_whole::TurnsAreWhole),
        Box::new(what_is_due_happens::WhatIsDueHappens),
    ];
    if has_canary {
        all.push(Box::new(canary::Canary));
    }
    all
}
