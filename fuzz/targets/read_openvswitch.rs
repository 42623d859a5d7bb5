#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| driftcast_fuzz::read_as("openvswitch", bytes));
