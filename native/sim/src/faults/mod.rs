//! What goes wrong with the world: one file each. A seed draws which of them come, and how often.

mod checkpoint_refused;
mod clock_leaps;
mod clock_set_back;
mod disk_full;
mod fault;
mod file_misread;
mod kill;
mod kill_in_call;
mod kill_while_opening;
mod kill_with_power;
mod owner_replaced;
mod pause;
mod polite_end;
mod report_of_nothing;
mod report_too_late;
mod report_twice;
mod sync_fails;
mod table;
mod torn_write;
mod waiter_leaves;
mod worker_blocks;
mod worker_dies;
mod worker_leaves;
mod write_fails;
mod write_refused;
mod write_slow;

pub(crate) use fault::Fault;
pub(crate) use table::{DEADLY, FAULTS, FILLING};
