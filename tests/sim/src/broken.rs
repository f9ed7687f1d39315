//! The core under test, and cores that are broken on purpose: the checks must catch each.

use tokenwell::proto::config::Config;
use tokenwell::proto::io::{Epoch, Input, Output};
use tokenwell::proto::session::{Session, View};
use tokenwell::proto::time::Now;

/// A way to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {}

/// A core, with what is broken in it.
pub(crate) struct Subject {
    session: Session,
}

impl Subject {
    pub(crate) fn new(config: Config, now: Now, _broken: Option<Broken>) -> Self {
        Self { session: Session::new(config, now) }
    }

    pub(crate) fn handle(&mut self, now: Now, input: Input) {
        self.session.handle(now, input);
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.session.poll()
    }

    pub(crate) fn next_timeout(&self, now: Now) -> Option<i64> {
        self.session.next_timeout(now)
    }

    pub(crate) fn view(&self, now: Now) -> View<'_> {
        self.session.view(now)
    }

    pub(crate) fn fresh(&self, now: Now) -> Option<Epoch> {
        self.session.fresh(now)
    }
}

impl Broken {
    pub(crate) fn by_name(name: &str) -> Result<Self, String> {
        Err(format!("there is no broken core named {name}"))
    }
}
