#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenwell_fuzz::allow::run(data));
