#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenwell_fuzz::challenge::run(data));
