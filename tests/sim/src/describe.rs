//! Inputs and outputs as a person reads them in a trace, with the model's token names: they are no secrets.

use std::fmt::Write;

use tokenwell::proto::answer::Meaning;
use tokenwell::proto::io::{Effect, Event, Found, Input, Message, Output, Sealed, Swapped};
use tokenwell::proto::record::{Meta, Record};

pub(crate) fn input(input: &Input) -> String {
    match input {
        Input::Restored(record) => format!("Restored {}", maybe(record.as_ref())),
        Input::StorageChanged(record) => format!("StorageChanged {}", maybe(record.as_ref())),
        Input::SignIn { id, .. } => format!("SignIn {id}"),
        Input::Looked { attempt, id: sign_in, found } => {
            format!("Looked {sign_in} {} {}", id(*attempt), self::found(found))
        }
        Input::Swapped { attempt, result, .. } => format!(
            "Swapped {} {}",
            id(*attempt),
            match result {
                Swapped::Done { version } => format!("done, v{version}"),
                Swapped::Conflict(there) => format!("conflict with {}", found(there)),
                Swapped::Unavailable => "unavailable".into(),
            }
        ),
        Input::Answered(attempt, meaning) => format!(
            "Answered #{} {}",
            attempt.0,
            match meaning {
                Meaning::Granted(grant) => format!(
                    "granted {} {}, {:?} ms",
                    grant.access_token.as_ref().map_or("-", |t| t.expose()),
                    grant.refresh_token.as_ref().map_or("-", |t| t.expose()),
                    grant.expires_in_ms
                ),
                Meaning::Ended(_) => "ended".into(),
                Meaning::Unavailable { said, retry_at_ms } => {
                    format!("unavailable {}, retry at {retry_at_ms:?}", said.status)
                }
                Meaning::Invalid(_) => "invalid".into(),
            }
        ),
        Input::Heard(message) => format!("Heard {}", self::message(message)),
        other => format!("{other:?}"),
    }
}

pub(crate) fn output(output: &Output) -> String {
    match output {
        Output::Settle(waiter, outcome) => format!("settles {} {}", waiter.0, short(&format!("{outcome:?}"))),
        Output::Event(Event::Change) => "Change".into(),
        Output::Event(event) => short(&format!("{event:?}")),
        Output::Effect(effect) => match effect {
            Effect::Look { id: sign_in, attempt, .. } => format!("Look {sign_in} {}", id(*attempt)),
            Effect::Swap { id: sign_in, attempt, expect, meta, sealed, .. } => {
                let sealed = match sealed {
                    Sealed::Keep => "keep".into(),
                    Sealed::Put(record) => self::record(record),
                    Sealed::Clear => "clear".into(),
                };
                format!("Swap {sign_in} {} if {expect:?}: {} {sealed}", id(*attempt), self::meta(meta))
            }
            Effect::Store { record, fresh } => format!("Store {} fresh {fresh}", self::record(record)),
            Effect::Tell(message) => format!("Tell {}", self::message(message)),
            Effect::Present { attempt, refresh_token, reason, .. } => format!(
                "Present #{} {} {reason:?}",
                attempt.0,
                refresh_token.as_ref().map_or("-", |t| t.expose())
            ),
            Effect::Listen(whom) => format!("Listen {:?}", whom.as_ref().map(|whom| &whom.0)),
            other => format!("{other:?}"),
        },
    }
}

fn short(text: &str) -> String {
    text.split(", message").next().unwrap_or_default().chars().take(110).collect()
}

fn id(attempt: Option<tokenwell::proto::io::AttemptId>) -> String {
    attempt.map_or("between".into(), |attempt| format!("#{}", attempt.0))
}

fn found(found: &Found) -> String {
    match found {
        Found::Nothing => "nothing".into(),
        Found::Entry(entry) => {
            format!("v{} {} {}", entry.version, meta(&entry.meta), maybe(entry.record.as_ref()))
        }
        Found::Unavailable => "unavailable".into(),
    }
}

fn meta(meta: &Meta) -> String {
    let mut text = format!("{{generation {}", meta.generation);
    if let Some(claim) = meta.claim {
        let _ = write!(text, ", claim {} try {}", claim.id, claim.tries);
    }
    if meta.failures > 0 {
        let _ = write!(text, ", failed {} at {}", meta.failures, meta.failed_at_ms);
    }
    if meta.not_before_ms > 0 {
        let _ = write!(text, ", not before {} by server {}", meta.not_before_ms, meta.by_server);
    }
    if let Some(ended) = meta.ended {
        let _ = write!(text, ", ended {ended:?}");
    }
    if !meta.requests.is_empty() {
        let at: Vec<i64> = meta.requests.iter().map(|request| request.mono_ms).collect();
        let _ = write!(text, ", requests {at:?}");
    }
    text + "}"
}

fn message(message: &Message) -> String {
    match message {
        Message::Refreshed { generation, record } => {
            format!("Refreshed {generation} {}", maybe(record.as_ref()))
        }
        other => format!("{other:?}"),
    }
}

fn maybe(record: Option<&Record>) -> String {
    record.map_or("-".into(), self::record)
}

fn record(record: &Record) -> String {
    format!(
        "{}/{} {} {} obtained {}",
        record.id,
        record.generation,
        record.tokens.access_token.as_ref().map_or("-", |t| t.expose()),
        record.tokens.refresh_token.as_ref().map_or("-", |t| t.expose()),
        record.tokens.obtained_ms,
    )
}
