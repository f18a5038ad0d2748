//! All faults that a story can let happen.

use super::fault::Fault;
use super::{
    checkpoint_refused, clock_leaps, clock_set_back, disk_full, file_misread, kill, kill_in_call,
    kill_while_opening, kill_with_power, owner_replaced, pause, polite_end, report_of_nothing,
    report_too_late, report_twice, sync_fails, torn_write, waiter_leaves, worker_blocks,
    worker_dies, worker_leaves, write_fails, write_refused, write_slow,
};

pub(crate) const FAULTS: &[Fault] = &[
    checkpoint_refused::FAULT,
    clock_leaps::FAULT,
    clock_set_back::FAULT,
    disk_full::FAULT,
    file_misread::FAULT,
    kill::FAULT,
    kill_in_call::FAULT,
    kill_while_opening::FAULT,
    kill_with_power::FAULT,
    owner_replaced::FAULT,
    pause::FAULT,
    polite_end::FAULT,
    report_of_nothing::FAULT,
    report_too_late::FAULT,
    report_twice::FAULT,
    sync_fails::FAULT,
    torn_write::FAULT,
    waiter_leaves::FAULT,
    worker_blocks::FAULT,
    worker_dies::FAULT,
    worker_leaves::FAULT,
    write_fails::FAULT,
    write_refused::FAULT,
    write_slow::FAULT,
];

/// Those by which work dies with its process, the likeliest one twice.
pub(crate) const DEADLY: &[Fault] =
    &[kill::FAULT, kill::FAULT, worker_blocks::FAULT, worker_dies::FAULT];

/// Those by which there is no room for what is to be kept.
pub(crate) const FILLING: &[Fault] = &[disk_full::FAULT];
