//! State as text, and back. What is read may be old, torn or hostile: anything odd is as good as nothing.

use super::answer::access_token;
use super::io::{Ended, Message};
use super::json::{Json, Member};
use super::record::{Claim, Meta, Record, Request};
use super::seconds::MAX_EXACT_MS;
use super::secret::Secret;
use super::token::{MAX_LIFETIME_MS, TokenSet};

/// Version of what is written. Others are not read.
const VERSION: i64 = 1;
/// No id or key of ours is longer.
const MAX_NAME: usize = 64;

/// A record as text.
pub fn write_record<J: Json>(record: &Record) -> String {
    let tokens = &record.tokens;
    let secret = |s: &Option<Secret>| s.as_ref().map(|s| s.expose().to_owned());
    let (access, refresh) = (secret(&tokens.access_token), secret(&tokens.refresh_token));
    J::object(&[
        ("v", Member::Int(VERSION)),
        ("id", Member::Text(&record.id)),
        ("key", Member::Text(record.key.expose())),
        ("generation", Member::Int(record.generation.into())),
        ("access_token", text(&access)),
        ("refresh_token", text(&refresh)),
        ("obtained_ms", Member::Int(tokens.obtained_ms)),
        ("lifetime_ms", int(tokens.lifetime_ms)),
        ("refresh_expires_at_ms", int(tokens.refresh_expires_at_ms)),
        ("scope", text(&tokens.scope)),
        ("user", tokens.user.as_deref().map_or(Member::Null, Member::Raw)),
    ])
}

/// A record from text.
pub fn read_record<J: Json>(stored: &str) -> Option<Record> {
    record_of(&J::parse(stored).filter(|j| read_int(j, "v") == Some(VERSION))?)
}

fn record_of<J: Json>(json: &J) -> Option<Record> {
    // The numbers first: whoever leaves here has no text to free.
    let generation = read_u32(json, "generation").filter(|generation| *generation > 0)?;
    let obtained_ms = read_int(json, "obtained_ms")?;
    let access_token = match json.filled("access_token") {
        Some(token) => Some(access_token(token).ok()?),
        None => None,
    };
    let user = json.given("user").map(|user| user.text());
    // A record says who someone is or what they may do; one that says neither is torn.
    if access_token.is_none() && user.is_none() {
        return None;
    }
    Some(Record {
        id: json.filled("id").filter(|id| is_name(id))?,
        key: Secret::new(json.filled("key").filter(|key| is_name(key))?),
        generation,
        tokens: TokenSet {
            access_token,
            refresh_token: json.filled("refresh_token").map(Secret::new),
            obtained_ms,
            lifetime_ms: read_int(json, "lifetime_ms").filter(|ms| (1..=MAX_LIFETIME_MS).contains(ms)),
            refresh_expires_at_ms: read_int(json, "refresh_expires_at_ms"),
            scope: json.filled("scope"),
            user,
        },
    })
}

/// The readable part of the shared entry as text.
pub fn write_meta<J: Json>(meta: &Meta) -> String {
    let mono = |at: usize| int(meta.requests.get(at).map(|r| r.mono_ms));
    let wall = |at: usize| int(meta.requests.get(at).map(|r| r.wall_ms));
    J::object(&[
        ("v", Member::Int(VERSION)),
        ("generation", Member::Int(meta.generation.into())),
        ("claim", int(meta.claim.map(|c| c.id.into()))),
        ("tries", int(meta.claim.map(|c| c.tries.into()))),
        ("mono0", mono(0)),
        ("wall0", wall(0)),
        ("mono1", mono(1)),
        ("wall1", wall(1)),
        ("mono2", mono(2)),
        ("wall2", wall(2)),
        ("failures", Member::Int(meta.failures.into())),
        ("failed_at_ms", Member::Int(meta.failed_at_ms)),
        ("not_before_ms", Member::Int(meta.not_before_ms)),
        ("by_server", Member::Int(meta.by_server.into())),
        ("ended", meta.ended.map_or(Member::Null, |how| Member::Text(ended_name(how)))),
    ])
}

/// The readable part of the shared entry from text.
pub fn read_meta<J: Json>(stored: &str) -> Option<Meta> {
    meta_of(&J::parse(stored).filter(|j| read_int(j, "v") == Some(VERSION))?)
}

fn meta_of<J: Json>(json: &J) -> Option<Meta> {
    let generation = read_u32(json, "generation")?;
    let mut requests = Vec::new();
    for (mono, wall) in [("mono0", "wall0"), ("mono1", "wall1"), ("mono2", "wall2")] {
        if let (Some(mono_ms), Some(wall_ms)) = (read_int(json, mono), read_int(json, wall)) {
            requests.push(Request { mono_ms, wall_ms });
        }
    }
    Some(Meta {
        generation,
        claim: read_u32(json, "claim").map(|id| Claim { id, tries: read_u32(json, "tries").unwrap_or(1) }),
        requests,
        failures: read_u32(json, "failures").unwrap_or(0),
        failed_at_ms: read_int(json, "failed_at_ms").unwrap_or(0),
        not_before_ms: read_int(json, "not_before_ms").unwrap_or(0),
        by_server: read_int(json, "by_server") == Some(1),
        ended: json.get("ended").and_then(|j| j.as_str()).and_then(|name| ended_of(&name)),
    })
}

/// A message between tabs as text.
pub fn write_message<J: Json>(message: &Message) -> String {
    let (kind, generation, claim, more) = match message {
        Message::Refreshed { generation, record } => {
            ("refreshed", *generation, 0, record.as_ref().map(write_record::<J>))
        }
        Message::Ended { rejected: true } => ("rejected", 0, 0, None),
        Message::Ended { rejected: false } => ("signed-out", 0, 0, None),
        Message::Ask { generation, claim } => ("ask", *generation, *claim, None),
        Message::Busy { generation, claim } => ("busy", *generation, *claim, None),
        Message::Idle { generation } => ("idle", *generation, 0, None),
        Message::Paced(meta) => ("paced", meta.generation, 0, Some(write_meta::<J>(meta))),
    };
    J::object(&[
        ("kind", Member::Text(kind)),
        ("generation", Member::Int(generation.into())),
        ("claim", Member::Int(claim.into())),
        ("more", more.as_deref().map_or(Member::Null, Member::Raw)),
    ])
}

/// A message between tabs from text.
pub fn read_message<J: Json>(sent: &str) -> Option<Message> {
    let json = J::parse(sent)?;
    let generation = read_u32(&json, "generation")?;
    match json.get("kind")?.as_str()?.as_str() {
        "refreshed" => {
            let record = json.get("more").and_then(|record| record_of(&record));
            Some(Message::Refreshed { generation, record })
        }
        "rejected" => Some(Message::Ended { rejected: true }),
        "signed-out" => Some(Message::Ended { rejected: false }),
        "ask" => Some(Message::Ask { generation, claim: read_u32(&json, "claim")? }),
        "busy" => Some(Message::Busy { generation, claim: read_u32(&json, "claim")? }),
        "idle" => Some(Message::Idle { generation }),
        "paced" => meta_of(&json.get("more")?).map(Message::Paced),
        _ => None,
    }
}

/// What to do with a record for a storage that tabs may share.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Storing {
    /// Write it.
    Write,
    /// Leave what is there: it is another sign-in's, or a newer one of this.
    Leave,
    /// What should be there has gone.
    Lost,
}

/// What to do with a record, given what is there. A `fresh` one, of a new sign-in, replaces anything.
pub fn storing(there: Option<&Record>, new: &Record, fresh: bool) -> Storing {
    match there {
        _ if fresh => Storing::Write,
        None => Storing::Lost,
        Some(there) if there.id == new.id && there.generation <= new.generation => Storing::Write,
        Some(_) => Storing::Leave,
    }
}

/// Whether a record may be removed when the sign-in of that id ends.
pub fn may_forget(there: Option<&Record>, id: &str) -> bool {
    there.is_none_or(|there| there.id == id)
}

fn ended_name(how: Ended) -> &'static str {
    match how {
        Ended::SignedOut => "signed-out",
        Ended::Rejected => "rejected",
        Ended::Expired => "expired",
    }
}

fn ended_of(name: &str) -> Option<Ended> {
    [Ended::SignedOut, Ended::Rejected, Ended::Expired].into_iter().find(|how| ended_name(*how) == name)
}

fn text(value: &Option<String>) -> Member<'_> {
    value.as_deref().map_or(Member::Null, Member::Text)
}

fn int(value: Option<i64>) -> Member<'static> {
    value.map_or(Member::Null, Member::Int)
}

fn read_int<J: Json>(json: &J, name: &str) -> Option<i64> {
    let number = json.get(name)?.as_f64()?;
    let whole = number as i64;
    (whole as f64 == number && whole.abs() <= MAX_EXACT_MS).then_some(whole)
}

fn read_u32<J: Json>(json: &J, name: &str) -> Option<u32> {
    u32::try_from(read_int(json, name)?).ok()
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::proto::testing::Value;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Record> {
        let token = "[ -~]{1,40}";
        let name = "[A-Za-z0-9_-]{1,64}";
        (
            (name, name, 1u32.., token),
            proptest::option::of("\\PC{1,20}"),
            proptest::option::of(1..=MAX_LIFETIME_MS),
            proptest::option::of(0..MAX_EXACT_MS),
        )
            .prop_map(|((id, key, generation, access), refresh, lifetime_ms, ends)| Record {
                id,
                key: Secret::new(key),
                generation,
                tokens: TokenSet {
                    access_token: Some(Secret::new(access)),
                    refresh_token: refresh.clone().map(Secret::new),
                    obtained_ms: 1_700_000_000_000,
                    lifetime_ms,
                    refresh_expires_at_ms: ends,
                    scope: refresh,
                    user: Some("{\"name\":\"é\"}".into()),
                },
            })
    }

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_was(record in record()) {
            prop_assert_eq!(read_record::<Value>(&write_record::<Value>(&record)), Some(record));
        }

        #[test]
        fn no_text_is_a_trap(text in "\\PC*") {
            let _ = (read_record::<Value>(&text), read_meta::<Value>(&text), read_message::<Value>(&text));
        }

        #[test]
        fn a_record_torn_anywhere_is_nothing(record in record(), cut in 0usize..400) {
            let whole = write_record::<Value>(&record);
            let torn: String = whole.chars().take(cut).collect();
            prop_assert!(torn.len() == whole.len() || read_record::<Value>(&torn).is_none());
        }
    }

    #[test]
    fn hostile_members_make_a_record_nothing() {
        for odd in [
            r#""access_token":"line\nbreak""#,
            r#""generation":-1"#,
            r#""generation":1.5"#,
            r#""generation":"1""#,
            r#""id":"../../x""#,
            r#""id":{"toString":1}"#,
            r#""v":2"#,
            r#""obtained_ms":1e300"#,
        ] {
            let good = r#""v":1,"id":"a","key":"k","generation":1,"access_token":"t","obtained_ms":5"#;
            assert!(read_record::<Value>(&format!("{{{good}}}")).is_some());
            assert!(read_record::<Value>(&format!("{{{good},{odd}}}")).is_none(), "{odd}");
        }
    }

    #[test]
    fn the_readable_part_and_messages_come_back_as_they_were() {
        let meta = Meta {
            generation: 3,
            claim: Some(Claim { id: u32::MAX, tries: 2 }),
            requests: vec![Request { mono_ms: 1, wall_ms: 2 }; 3],
            failures: 4,
            failed_at_ms: 5,
            not_before_ms: 6,
            by_server: true,
            ended: Some(Ended::Rejected),
        };
        assert_eq!(read_meta::<Value>(&write_meta::<Value>(&meta)), Some(meta));
        for message in [
            Message::Ended { rejected: true },
            Message::Ask { generation: 1, claim: 7 },
            Message::Busy { generation: 9, claim: 8 },
        ] {
            let read = read_message::<Value>(&write_message::<Value>(&message)).unwrap();
            assert_eq!(format!("{read:?}"), format!("{message:?}"));
        }
    }

    #[test]
    fn another_sign_ins_record_is_left_alone() {
        let one = read_record::<Value>(
            r#"{"v":1,"id":"a","key":"k","generation":2,"access_token":"t","obtained_ms":5}"#,
        )
        .unwrap();
        let other = Record { id: "b".into(), ..one.clone() };
        let older = Record { generation: 1, ..one.clone() };
        assert_eq!(storing(Some(&other), &one, false), Storing::Leave);
        assert_eq!(storing(Some(&one), &older, false), Storing::Leave);
        assert_eq!(storing(Some(&other), &one, true), Storing::Write);
        assert_eq!(storing(None, &one, false), Storing::Lost);
        assert!(!may_forget(Some(&other), "a"));
    }
}
