//! Answers as the backends really send them, and what must never end a session.

use super::*;
use crate::proto::testing::Value;
use proptest::prelude::*;

const NOW_MS: i64 = 1_700_000_000_000;

fn oauth() -> Route {
    Route::new("https://as.test/token")
}

fn cookie() -> Route {
    Route::cookie("https://bot.test/oauth/refresh")
}

fn meaning(route: &Route, status: u16, body: &str) -> Meaning {
    let facts =
        Facts { status, body_text: Some(body), retry_after: Some("30"), now_ms: NOW_MS, secrets: &[] };
    read::<Value>(route, &facts)
}

fn granted(route: &Route, body: &str) -> Grant {
    let meaning = meaning(route, 200, body);
    let Meaning::Granted(grant) = meaning else { panic!("{body}: {meaning:?}") };
    grant
}

fn ends(route: &Route, status: u16, body: &str) -> bool {
    matches!(meaning(route, status, body), Meaning::Ended(_))
}

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text))
}

#[test]
fn a_whole_answer_of_rfc_6749_is_read() {
    let body = r#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt",
        "refresh_token_expires_in":"86400","scope":"a b","user":{"id":1},"id_token":"x"}"#;
    let expected = Grant {
        access_token: secret("at"),
        refresh_token: secret("rt"),
        expires_in_ms: Some(3_600_000),
        refresh_expires_in_ms: Some(86_400_000),
        scope: Some("a b".into()),
        token_type: Some("Bearer".into()),
        user: Some(r#"{"id":1}"#.into()),
    };
    assert_eq!(granted(&oauth(), body), expected);
}

#[test]
fn a_missing_null_or_empty_refresh_token_keeps_the_old_one() {
    for body in [
        r#"{"access_token":"at"}"#,
        r#"{"access_token":"at","refresh_token":null,"user":null,"scope":null}"#,
        r#"{"access_token":"at","refresh_token":"","error":null}"#,
        r#"{"access_token":"at","error":false}"#,
    ] {
        assert_eq!(
            granted(&oauth(), body),
            Grant { access_token: secret("at"), ..Grant::default() },
            "{body}"
        );
    }
}

#[test]
fn lifetimes_are_read_as_servers_write_them() {
    let lifetime = |value: &str| {
        granted(&oauth(), &format!(r#"{{"access_token":"at","expires_in":{value}}}"#)).expires_in_ms
    };
    for value in ["3600", "\"3600\"", "\"3600.0\"", "3600.0"] {
        assert_eq!(lifetime(value), Some(3_600_000), "{value}");
    }
    for value in ["0", "-1", "\"\"", "\"soon\"", "null", "{}", "[3600]", "true", "0.0001", "\"NaN\"", "\"0\""]
    {
        assert_eq!(lifetime(value), None, "{value}");
    }
    assert_eq!(lifetime("1e300"), Some(MAX_LIFETIME_MS));
}

#[test]
fn other_names_are_read_first_present_first() {
    let fields = Fields {
        access_token: vec!["access".into(), "token".into()],
        refresh_token: vec!["refresh".into()],
        expires_in: vec!["ttl".into()],
        user: vec!["me".into()],
        ..Fields::default()
    };
    let route = Route { fields, ..oauth() };
    let grant =
        granted(&route, r#"{"access":null,"token":"t","refresh":"r","ttl":5,"me":[1],"refresh_token":"no"}"#);
    assert_eq!((grant.access_token, grant.refresh_token), (secret("t"), secret("r")));
    assert_eq!((grant.expires_in_ms, grant.user.as_deref()), (Some(5_000), Some("[1]")));
}

#[test]
fn a_refresher_may_give_the_token_alone() {
    let value = Value::parse("\"at\"").unwrap();
    let grant = grant(&value, &Fields::default(), Mode::Token).unwrap();
    assert_eq!(grant, Grant { access_token: secret("at"), ..Grant::default() });
}

#[test]
fn what_holds_no_usable_token_is_malformed() {
    for (text, expected) in [
        ("{}", Malformed::NoAccessToken),
        (r#"{"access_token":1}"#, Malformed::NoAccessToken),
        (r#"{"access_token":""}"#, Malformed::NoAccessToken),
        (r#"{"access_token":"a\nb"}"#, Malformed::NoAccessToken),
        (r#"{"access_token":"é"}"#, Malformed::NoAccessToken),
        ("\"\"", Malformed::NoAccessToken),
        ("null", Malformed::NotAnObject),
        ("[\"at\"]", Malformed::NotAnObject),
        ("7", Malformed::NotAnObject),
    ] {
        let value = Value::parse(text).unwrap();
        assert_eq!(grant(&value, &Fields::default(), Mode::Token), Err(expected), "{text}");
    }
}

#[test]
fn the_invalid_grant_class_ends_the_session() {
    assert!(ends(&oauth(), 400, r#"{"error":"invalid_grant"}"#));
    assert!(ends(&oauth(), 401, r#"{"error":"invalid_grant"}"#));
    assert!(ends(&oauth(), 403, r#"{"detail":"Token is invalid or expired","code":"token_not_valid"}"#));
    let github = r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired.",
        "error_uri":"https://docs.github.com/x"}"#;
    let said = Refused {
        status: 200,
        code: Some("bad_refresh_token".into()),
        description: Some("The refresh token passed is incorrect or expired.".into()),
        uri: Some("https://docs.github.com/x".into()),
    };
    assert_eq!(meaning(&oauth(), 200, github), Meaning::Ended(said));
}

#[test]
fn a_401_ends_it_where_the_route_is_no_oauth_endpoint() {
    for body in [
        r#"{"error":"ERROR_INVALID_REFRESH_TOKEN","detail":"Refresh token is expired or invalid."}"#,
        r#"{"detail":"Token is blacklisted","code":"token_not_valid"}"#,
        r#"{"error":"Unauthorized"}"#,
        r#"{"error":{"message":"no"}}"#,
        "Unauthorized",
        "",
    ] {
        assert!(ends(&oauth(), 401, body), "{body}");
        assert!(ends(&cookie(), 401, body), "{body}");
    }
    for body in [
        r#"{"error":"invalid_client"}"#,
        r#"{"error":"temporarily_unavailable"}"#,
        " <html>",
        "<!doctype html>",
    ] {
        assert!(!ends(&oauth(), 401, body), "{body}");
    }
}

#[test]
fn mistakes_of_the_configuration_keep_it_and_say_so() {
    for code in [
        "invalid_client",
        "unauthorized_client",
        "invalid_request",
        "unsupported_grant_type",
        "invalid_scope",
    ] {
        let meaning = meaning(&oauth(), 400, &format!(r#"{{"error":"{code}"}}"#));
        let Meaning::Invalid(said) = meaning else { panic!("{code}: {meaning:?}") };
        assert_eq!((said.code.as_deref(), said.status), (Some(code), 400));
    }
}

#[test]
fn no_answer_in_trouble_ends_it() {
    for status in [0, 301, 302, 307, 408, 425, 429, 500, 502, 503, 504, 599] {
        for body in ["", "<html>", r#"{"error":"invalid_grant"}"#, r#"{"error":"…"}"#] {
            for route in [oauth(), cookie()] {
                let kept = matches!(
                    meaning(&route, status, body),
                    Meaning::Unavailable { retry_at_ms: Some(at_ms), .. } if at_ms == NOW_MS + 30_000
                );
                assert!(kept, "{status} {body}");
            }
        }
    }
}

#[test]
fn what_is_no_token_answer_is_invalid_and_keeps_it() {
    for (status, body) in [
        (200, ""),
        (200, "<html>"),
        (200, "[]"),
        (200, "\"at\""),
        (200, "{}"),
        (204, ""),
        (400, "{}"),
        (403, ""),
        (404, ""),
        (405, ""),
    ] {
        for route in [oauth(), cookie()] {
            // An empty object is user data to cookie mode.
            let is_data = route.mode == Mode::Cookie && body == "{}" && status == 200;
            assert_eq!(
                matches!(meaning(&route, status, body), Meaning::Invalid(_)),
                !is_data,
                "{status} {body}"
            );
        }
    }
}

#[test]
fn a_code_that_asks_to_come_back_later_is_unavailable_whatever_its_status() {
    for status in [200, 400, 401] {
        let meaning = meaning(&oauth(), status, r#"{"error":"temporarily_unavailable"}"#);
        assert!(matches!(meaning, Meaning::Unavailable { .. }), "{status}");
    }
}

#[test]
fn terminal_replaces_the_default_whole() {
    let terminal = vec![Terminal::Code("gone".into()), Terminal::Status(410)];
    let route = Route { terminal: Some(terminal), ..oauth() };
    assert!(ends(&route, 400, r#"{"error":"gone"}"#));
    assert!(ends(&route, 200, r#"{"code":"gone","error":"x"}"#));
    assert!(ends(&route, 410, ""));
    assert!(!ends(&route, 400, r#"{"error":"invalid_grant"}"#));
    assert!(!ends(&route, 401, ""));
}

#[test]
fn cookie_mode_takes_login_data_whole() {
    let login_data = r#"{"guilds":[],"user":{"id":"1"}}"#;
    assert_eq!(granted(&cookie(), login_data), Grant { user: Some(login_data.into()), ..Grant::default() });
    assert!(ends(&cookie(), 200, r#"{"user":null}"#));
    assert_eq!(granted(&cookie(), r#"{"id":"1"}"#).user.as_deref(), Some(r#"{"id":"1"}"#));
}

#[test]
fn cookie_mode_may_name_the_user() {
    let mut route = cookie();
    route.fields.user = vec!["me".into(), "account".into()];
    assert_eq!(granted(&route, r#"{"me":null,"account":7}"#).user.as_deref(), Some("7"));
    assert!(ends(&route, 200, r#"{"me":null}"#));
    assert!(matches!(meaning(&route, 200, r#"{"user":null}"#), Meaning::Invalid(_)));
}

#[test]
fn what_the_server_quotes_is_blanked() {
    let presented = Secret::new("rt-0123456789");
    let mut route = Route { client_secret: secret("hunter22"), ..oauth() };
    route.headers = vec![("X-Api-Key".into(), Secret::new("key-77"))];
    let body = r#"{"error":"hunter22","error_description":"rt-0123456789 by hunter22 with key-77","error_uri":"https://as.test/?rt-0123456789"}"#;
    let facts =
        Facts { status: 400, body_text: Some(body), retry_after: None, now_ms: 0, secrets: &[&presented] };
    let said = Refused {
        status: 400,
        code: Some("unreadable".into()),
        description: Some("[secret] by [secret] with [secret]".into()),
        uri: None,
    };
    assert_eq!(read::<Value>(&route, &facts), Meaning::Invalid(said));
}

fn json() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "error",
        "code",
        "user",
        "access_token",
        "expires_in",
        "error_description",
        "x",
    ]);
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("[[]]".to_owned()),
        "-?[1-9][0-9]{0,25}(\\.[0-9]{1,3})?(e[0-9]{1,2})?",
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        Just("\"invalid_grant\"".to_owned()),
    ];
    prop::collection::vec((name, value), 0..6).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #[test]
    fn only_401_and_named_codes_ever_end_a_session(
        status in 0_u16..700, body in prop_oneof![json(), any::<String>(), Just("<html>".to_owned())],
    ) {
        if ends(&oauth(), status, &body) {
            prop_assert!(!matches!(status, 0..200 | 300..400 | 408 | 425 | 429 | 500..));
            prop_assert!(status == 401 || ENDING.iter().any(|code| body.contains(code)));
            prop_assert!(!body.trim_start().starts_with('<'));
        }
    }

    #[test]
    fn every_grant_is_fit_for_use(body in json()) {
        if let Meaning::Granted(grant) = meaning(&oauth(), 200, &body) {
            let token = grant.access_token.unwrap();
            prop_assert!(!token.is_empty() && token.expose().is_ascii());
            prop_assert!(grant.expires_in_ms.is_none_or(|ms| (1..=MAX_LIFETIME_MS).contains(&ms)));
        }
    }
}
