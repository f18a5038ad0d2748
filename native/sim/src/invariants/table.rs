//! All invariants.

use super::invariant::Invariant;
use super::{
    acknowledged_is_kept, answers_tell_the_record, arguments_are_right, asks_are_answered,
    at_most_once, canary, controls_do_what_they_say, decisions_are_right, definitions_are_pinned,
    deliveries_are_bounded, deployments_are_kept, ends_are_final, followers_miss_nothing,
    forgotten_as_asked, grants_are_recorded, heartbeats_are_heard, histories_have_no_gap,
    keys_take_turns, leases_exclude, limits_are_kept, lists_are_filtered, logs_keep_what_was_said,
    nothing_is_early, one_result_an_attempt, one_run_a_key, rates_are_kept,
    ready_work_is_handed_out, records_have_causes, recovers_are_of_failures,
    refusals_leave_no_trace, replay_equals_live, reports_are_recorded, results_hold_all_outputs,
    retries_are_made, runs_are_admitted, runs_end_as_they_should, shares_are_kept, slots_are_kept,
    snapshots_hold_everything, starts_are_taken_as_asked, stopped_runs_begin_nothing,
    stops_reach_workers, suspects_run_alone, tasks_open_in_their_turn, the_urgent_go_first,
    time_goes_forward, tokens_name_the_write, turns_are_whole, waits_are_explained,
    what_is_due_happens, words_show_the_record,
};

/// One of each, with nothing seen yet; with a false claim among them where that is wanted.
pub(crate) fn all_invariants(has_canary: bool) -> Vec<Box<dyn Invariant>> {
    let mut all: Vec<Box<dyn Invariant>> = vec![
        Box::new(acknowledged_is_kept::AcknowledgedIsKept),
        Box::new(answers_tell_the_record::AnswersTellTheRecord),
        Box::new(arguments_are_right::ArgumentsAreRight::default()),
        Box::new(asks_are_answered::AsksAreAnswered),
        Box::new(at_most_once::AtMostOnce),
        Box::new(controls_do_what_they_say::ControlsDoWhatTheySay),
        Box::new(decisions_are_right::DecisionsAreRight),
        Box::new(definitions_are_pinned::DefinitionsArePinned),
        Box::new(deliveries_are_bounded::DeliveriesAreBounded::default()),
        Box::new(deployments_are_kept::DeploymentsAreKept),
        Box::new(ends_are_final::EndsAreFinal),
        Box::new(followers_miss_nothing::FollowersMissNothing),
        Box::new(forgotten_as_asked::ForgottenAsAsked),
        Box::new(grants_are_recorded::GrantsAreRecorded),
        Box::new(heartbeats_are_heard::HeartbeatsAreHeard),
        Box::new(histories_have_no_gap::HistoriesHaveNoGap),
        Box::new(keys_take_turns::KeysTakeTurns::default()),
        Box::new(leases_exclude::LeasesExclude),
        Box::new(limits_are_kept::LimitsAreKept),
        Box::new(lists_are_filtered::ListsAreFiltered),
        Box::new(logs_keep_what_was_said::LogsKeepWhatWasSaid),
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
        Box::new(shares_are_kept::SharesAreKept::default()),
        Box::new(slots_are_kept::SlotsAreKept),
        Box::new(snapshots_hold_everything::SnapshotsHoldEverything),
        Box::new(starts_are_taken_as_asked::StartsAreTakenAsAsked),
        Box::new(stopped_runs_begin_nothing::StoppedRunsBeginNothing),
        Box::new(stops_reach_workers::StopsReachWorkers),
        Box::new(suspects_run_alone::SuspectsRunAlone::default()),
        Box::new(tasks_open_in_their_turn::TasksOpenInTheirTurn),
        Box::new(the_urgent_go_first::TheUrgentGoFirst),
        Box::new(time_goes_forward::TimeGoesForward),
        Box::new(tokens_name_the_write::TokensNameTheWrite),
        Box::new(turns_are_whole::TurnsAreWhole),
        Box::new(waits_are_explained::WaitsAreExplained),
        Box::new(what_is_due_happens::WhatIsDueHappens),
        Box::new(words_show_the_record::WordsShowTheRecord),
    ];
    if has_canary {
        all.push(Box::new(canary::Canary));
    }
    all
}
