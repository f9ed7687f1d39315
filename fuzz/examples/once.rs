//! `once TARGET FILE…`: runs files through a target, as to see a finding again. TRACE=1 prints the state machine's
//! inputs and outputs.

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let Some(target) = tokenwell_fuzz::TARGETS.iter().find(|target| target.0 == name) else {
        panic!("which target? one of {:?}", tokenwell_fuzz::TARGETS.map(|target| target.0));
    };
    for file in args {
        (target.1)(&std::fs::read(file).expect("a file"));
    }
}
