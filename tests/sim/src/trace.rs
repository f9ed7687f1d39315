//! What happened, line by line when somebody will read it, and always as one number: two runs of one seed must
//! agree on it.

#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) lines: Option<Vec<String>>,
    hash: u64,
}

impl Trace {
    pub(crate) fn new(kept: bool) -> Self {
        Self { lines: kept.then(Vec::new), hash: 0xCBF2_9CE4_8422_2325 }
    }

    /// Notes a line, which is made only if it is kept.
    pub(crate) fn line(&mut self, at: i64, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>9}.{:03}  {}", at / 1000, at.rem_euclid(1000), line()));
        }
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.hash = (self.hash ^ number as u64).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}
