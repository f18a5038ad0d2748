//! Large runs and many runs: time and memory must grow with the size, no faster. A test here that
//! takes minutes has met something that grows with the square of the size.

mod counted;
mod driver;
mod linear;
mod memory;
