//! The store against real files: what it promises, and what it does when the world fails.

mod backup;
mod bit_rot;
mod contract;
mod eventual;
mod full_disk;
mod memory_faults;
mod opening;
mod owner;
mod picture;
mod read_model;
mod scenes;
mod torn_tail;
