#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pyflow_fuzz::targets::definition(data));
