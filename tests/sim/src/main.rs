//! The simulation: 1 to 8 model tabs run the real core under a virtual clock and every fault.

fn main() {}
