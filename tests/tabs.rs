//! What a tab makes of the others, one behaviour a test. Each was found by the simulation, in a schedule of many tabs.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

use tokenwell::proto::answer::Grant;
use tokenwell::proto::config::{Config, Coordination};
use tokenwell::proto::io::*;
use tokenwell::proto::record::{Entry, Meta, Record};
use tokenwell::proto::secret::Secret;
use tokenwell::proto::session::Session;
use tokenwell::proto::time::Now;

const LIFETIME_MS: i64 = 3_600_000;

/// One tab of several, and what it has put out since it was last looked at.
struct Tab {
    session: Session,
    now: Now,
    out: Vec<Output>,
}

impl Tab {
    fn signed_in(coordination: Coordination) -> Self {
        let now = Now { wall_ms: 1_700_000_000_000, mono_ms: 5_000, noise: u32::MAX / 2 };
        let session = Session::new(Config { coordination, ..Config::default() }, now);
        let mut tab = Self { session, now, out: Vec::new() };
        let grant = Grant {
            access_token: Some(Secret::new("a1")),
            refresh_token: Some(Secret::new("r1")),
            expires_in_ms: Some(LIFETIME_MS),
            ..Grant::default()
        };
        tab.feed(Input::SignIn { grant, id: "id".into(), key: Secret::new("key") });
        tab
    }

    /// What this input leads to.
    fn feed(&mut self, input: Input) -> &[Output] {
        self.session.handle(self.now, input);
        self.out = std::iter::from_fn(|| self.session.poll()).collect();
        &self.out
    }

    fn pass(&mut self, ms: i64) {
        self.now.wall_ms += ms;
        self.now.mono_ms += ms;
    }

    fn record(&self) -> Record {
        self.session.view(self.now).record.unwrap().clone()
    }

    /// What another tab has got that refreshed.
    fn next_record(&self) -> Record {
        let mut record = self.record();
        record.generation += 1;
        record.tokens.access_token = Some(Secret::new("a2"));
        record.tokens.refresh_token = Some(Secret::new("r2"));
        record.tokens.obtained_ms = self.now.wall_ms;
        record
    }

    /// The attempt that has just asked for a lock.
    fn hold(&self) -> AttemptId {
        let hold = |output: &Output| match output {
            Output::Effect(Effect::Hold { attempt, .. }) => Some(*attempt),
            _ => None,
        };
        self.out.iter().find_map(hold).unwrap()
    }

    /// Answers every look with that.
    fn show(&mut self, entry: &Entry) {
        let looks: Vec<_> = self.out.iter().filter_map(look).collect();
        for attempt in looks {
            let found = Found::Entry(Box::new(entry.clone()));
            let id = self.record().id;
            self.feed(Input::Looked { attempt, id, found });
        }
    }
}

fn look(output: &Output) -> Option<Option<AttemptId>> {
    match output {
        Output::Effect(Effect::Look { attempt, .. }) => Some(*attempt),
        _ => None,
    }
}

fn asks(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Effect(Effect::Tell(Message::Ask { .. }))))
}

fn presents(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Effect(Effect::Present { .. })))
}

/// The shared place was out while another tab refreshed, so what it says is old when it is back.
#[test]
fn a_page_that_wakes_asks_who_is_ahead_whatever_the_shared_place_says() {
    let mut tab = Tab::signed_in(Coordination::Vault);
    let before = Meta { generation: 1, ..Meta::default() };
    let entry = Entry { version: 7, meta: before, record: Some(tab.record()) };
    tab.pass(LIFETIME_MS + 1);
    assert!(asks(tab.feed(Input::Resume)));
    tab.show(&entry);
    let record = Some(tab.next_record());
    assert!(!presents(tab.feed(Input::Heard(Message::Refreshed { generation: 2, record }))));
    assert_eq!(tab.record().generation, 2);
    assert!(!presents(tab.feed(Input::Wake)));
}

#[test]
fn a_page_that_starts_with_a_stored_set_asks_who_is_ahead() {
    let stored = Tab::signed_in(Coordination::Vault).record();
    let now = Now { wall_ms: 1_700_000_000_000, mono_ms: 5_000, noise: 1 };
    let config = Config { coordination: Coordination::Vault, ..Config::default() };
    let mut tab = Tab { session: Session::new(config, now), now, out: Vec::new() };
    assert!(asks(tab.feed(Input::Restored(Some(stored)))));
}

#[test]
fn a_page_that_hung_hears_all_that_was_said_before_it_presents() {
    let mut tab = Tab::signed_in(Coordination::Channel);
    tab.pass(LIFETIME_MS + 1);
    tab.feed(Input::Wake);
    // No locks here: it asks, twice, as its timer is late.
    let hold = tab.hold();
    assert!(asks(tab.feed(Input::LockUnavailable(hold))));
    tab.pass(60_000);
    assert!(asks(tab.feed(Input::Wake)));
    tab.pass(60_000);
    assert!(!presents(tab.feed(Input::Wake)));
    // Then it hangs. Meanwhile another tab asks, and refreshes.
    tab.pass(60_000);
    let record = Some(tab.next_record());
    for message in [
        Message::Ask { generation: 1, claim: u32::MAX },
        Message::Busy { generation: 1, claim: u32::MAX },
        Message::Refreshed { generation: 2, record },
    ] {
        assert!(!presents(tab.feed(Input::Heard(message))));
    }
    assert_eq!(tab.record().generation, 2);
    assert!(!presents(tab.feed(Input::Wake)));
}

/// Such a request shows nowhere but in what its page says.
#[test]
fn who_refreshes_without_the_shared_place_says_so_to_a_page_that_has_just_begun_to_listen() {
    let mut tab = Tab::signed_in(Coordination::Channel);
    let question = || Input::Heard(Message::Ask { generation: 1, claim: u32::MAX });
    let busy = |outputs: &[Output]| {
        outputs.iter().any(|output| matches!(output, Output::Effect(Effect::Tell(Message::Busy { .. }))))
    };
    tab.pass(LIFETIME_MS + 1);
    tab.feed(Input::Wake);
    let hold = tab.hold();
    tab.feed(Input::LockUnavailable(hold));
    assert!(!busy(tab.feed(question())));
    tab.pass(2_000);
    while !presents(tab.feed(Input::Wake)) {
        tab.pass(10);
    }
    assert!(busy(tab.feed(question())));
}

/// Of several that are about to claim one does; what the others had said kept all from it for four timeouts.
#[test]
fn who_looks_at_the_shared_entry_believes_that_and_not_who_says_to_be_about_to_claim() {
    let mut tab = Tab::signed_in(Coordination::Vault);
    let entry = |tab: &Tab| Entry {
        version: 7,
        meta: Meta { generation: 1, ..Meta::default() },
        record: Some(tab.record()),
    };
    tab.pass(LIFETIME_MS + 1);
    tab.feed(Input::Heard(Message::Busy { generation: 1, claim: 8 }));
    let there = entry(&tab);
    tab.show(&there);
    assert!(tab.out.iter().any(|output| matches!(output, Output::Effect(Effect::Hold { claim: 0, .. }))));
    // One who does without it shows nowhere else.
    let mut tab = Tab::signed_in(Coordination::Vault);
    tab.pass(LIFETIME_MS + 1);
    tab.feed(Input::Heard(Message::Busy { generation: 1, claim: u32::MAX }));
    let there = entry(&tab);
    tab.show(&there);
    assert!(!tab.out.iter().any(|output| matches!(output, Output::Effect(Effect::Hold { .. }))));
}

#[test]
fn at_the_head_of_the_line_nobody_is_waited_for_who_stood_before() {
    let mut tab = Tab::signed_in(Coordination::Channel);
    tab.pass(LIFETIME_MS + 1);
    tab.feed(Input::Heard(Message::Busy { generation: 1, claim: u32::MAX }));
    let hold = tab.hold();
    // That tab has died: its lock is free.
    assert!(asks(tab.feed(Input::Locked(hold))));
}

#[test]
fn who_was_refreshing_one_sign_in_is_not_waited_for_in_the_next() {
    let mut tab = Tab::signed_in(Coordination::Vault);
    tab.pass(LIFETIME_MS + 1);
    tab.feed(Input::Heard(Message::Busy { generation: 1, claim: u32::MAX }));
    let mut next = tab.record();
    next.id = "next".into();
    tab.feed(Input::SignOut);
    tab.feed(Input::StorageChanged(Some(next)));
    let entry =
        Entry { version: 7, meta: Meta { generation: 1, ..Meta::default() }, record: Some(tab.record()) };
    tab.show(&entry);
    assert!(tab.out.iter().any(|output| matches!(output, Output::Effect(Effect::Hold { claim: 0, .. }))));
}
