use super::*;
use crate::proto::testing::Value;
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000_000;

fn route() -> SignInRoute {
    SignInRoute {
        issuer: Some("https://id.test/".into()),
        authorization_endpoint: None,
        token_endpoint: None,
        client_id: "my app".into(),
        redirect_uri: "https://app.test/back".into(),
        scope: DEFAULT_SCOPE.into(),
        params: Vec::new(),
    }
}

fn pending() -> Pending {
    Pending {
        state: Secret::new("the-state"),
        verifier: Secret::new("the-verifier"),
        app_state: Some(r#"{"to":"/inbox"}"#.into()),
        redirect_uri: "https://app.test/back".into(),
        made_at_ms: NOW,
    }
}

fn given(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    pairs.iter().map(|(name, value)| ((*name).into(), Secret::new(*value))).collect()
}

fn redirect(pairs: &[(&str, &str)]) -> Option<Redirect> {
    let params: Vec<_> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Redirect::read(&params)
}

fn code_of(pairs: &[(&str, &str)], issuer: Option<&str>, names_issuer: bool) -> Result<Secret, Failure> {
    redirect(pairs).unwrap().code(&pending(), issuer, names_issuer)
}

#[test]
fn asks_for_a_code_by_s256() {
    assert_eq!(
        authorization(&route(), "S", "C", &[]),
        [
            ("scope", "openid offline_access"),
            ("response_type", "code"),
            ("client_id", "my app"),
            ("redirect_uri", "https://app.test/back"),
            ("state", "S"),
            ("code_challenge", "C"),
            ("code_challenge_method", "S256"),
        ]
    );
}

#[test]
fn further_parameters_replace_the_scope_and_never_what_holds_the_flow_together() {
    let mut route = route();
    route.params = given(&[("prompt", "login"), ("audience", "a"), ("code_challenge_method", "plain")]);
    let more = given(&[("prompt", "consent"), ("scope", "openid"), ("state", "mine"), ("audience", "")]);
    let members = authorization(&route, "S", "C", &more);
    let get =
        |name| members.iter().filter(|member| member.0 == name).map(|member| member.1).collect::<Vec<_>>();
    assert_eq!(get("prompt"), ["consent"]);
    assert_eq!(get("scope"), ["openid"]);
    assert_eq!(get("state"), ["S"]);
    assert_eq!(get("code_challenge_method"), ["S256"]);
    assert_eq!(get("audience"), [""; 0]);
    let none = given(&[("scope", "")]);
    assert!(authorization(&route, "S", "C", &none).iter().all(|member| member.0 != "scope"));
}

#[test]
fn the_code_is_exchanged_with_the_verifier_and_the_same_redirect_uri() {
    assert_eq!(
        pending().token_request(&Secret::new("abc")),
        [
            ("grant_type", "authorization_code"),
            ("code", "abc"),
            ("redirect_uri", "https://app.test/back"),
            ("code_verifier", "the-verifier"),
        ]
    );
}

#[test]
fn metadata_is_where_openid_and_rfc_8414_have_it() {
    assert_eq!(
        metadata_urls("https://id.test/"),
        [
            "https://id.test/.well-known/openid-configuration",
            "https://id.test/.well-known/oauth-authorization-server",
            ""
        ]
    );
    assert_eq!(
        metadata_urls("https://id.test/realms/one"),
        [
            "https://id.test/realms/one/.well-known/openid-configuration",
            "https://id.test/.well-known/oauth-authorization-server/realms/one",
            "https://id.test/.well-known/openid-configuration/realms/one"
        ]
    );
}

#[test]
fn metadata_counts_only_if_it_is_the_issuers_own_and_its_endpoints_keep_secrets() {
    let text = |issuer: &str, token: &str| {
        format!(
            r#"{{"issuer":"{issuer}","authorization_endpoint":"https://id.test/a","token_endpoint":"{token}"}}"#
        )
    };
    let found = route().discovered::<Value>(&text("https://id.test", "https://id.test/t")).unwrap();
    assert_eq!(
        (found.authorization.as_str(), found.token.as_str()),
        ("https://id.test/a", "https://id.test/t")
    );
    assert!(!found.names_issuer);
    for (issuer, token) in [
        ("https://id.test.evil.test", "https://id.test/t"),
        ("https://id.test/other", "https://id.test/t"),
        ("https://id.test", "http://id.test/t"),
        ("https://id.test", "javascript:alert(1)"),
        ("https://id.test", ""),
    ] {
        assert_eq!(route().discovered::<Value>(&text(issuer, token)), None, "{issuer} {token}");
    }
    for odd in ["", "[]", "null", "{}", r#"{"issuer":{}}"#, "<html>"] {
        assert_eq!(route().discovered::<Value>(odd), None);
    }
    let own = SignInRoute { token_endpoint: Some("https://app.test/token".into()), ..route() };
    let found = own.discovered::<Value>(&text("https://id.test", "https://id.test/t")).unwrap();
    assert_eq!(found.token, "https://app.test/token");
}

#[test]
fn only_https_and_this_machine_keep_secrets() {
    for good in [
        "https://id.test/",
        "http://localhost",
        "http://localhost:4400/token?x=1",
        "http://127.0.0.1/",
        "http://[::1]:80/",
        "http://[::1]",
        "http://app.localhost/",
    ] {
        assert!(is_confidential(good), "{good}");
    }
    for bad in [
        "http://id.test/",
        "http://localhost@evil.test/",
        "http://localhost.evil.test/",
        "http://evil.test\\.localhost/",
        "http://evil.test/.localhost",
        "http://evil.test?.localhost",
        "http://local\thost.evil.test/",
        "http://localhost:80@evil.test/",
        "http://localhost:\t/",
        "http://a:1.localhost:1/",
        "http://[a].localhost/",
        "javascript:alert(1)",
        "HTTPS://id.test",
        "//id.test",
        "",
    ] {
        assert!(!is_confidential(bad), "{bad}");
    }
}

#[test]
fn a_redirect_gives_its_code_to_the_sign_in_it_answers() {
    let back = redirect(&[("code", "abc"), ("state", "the-state"), ("session_state", "x")]).unwrap();
    assert!(back.answers(&pending()) && !back.is_error());
    assert_eq!(back.code(&pending(), Some("https://id.test"), false), Ok(Secret::new("abc")));
    assert!(!redirect(&[("code", "abc"), ("state", "other")]).unwrap().answers(&pending()));
}

#[test]
fn what_lacks_a_state_or_says_something_twice_is_no_redirect() {
    for odd in [
        &[][..],
        &[("code", "abc")],
        &[("state", "the-state")],
        &[("code", ""), ("state", "the-state")],
        &[("code", "abc"), ("state", "")],
        &[("code", "abc"), ("state", "the-state"), ("state", "the-state")],
        &[("code", "abc"), ("code", "def"), ("state", "the-state")],
        &[("error", "access_denied")],
    ] {
        assert!(redirect(odd).is_none(), "{odd:?}");
    }
}

#[test]
fn another_issuers_answer_is_refused() {
    let back = |iss| [("code", "abc"), ("state", "the-state"), ("iss", iss)];
    let issuer = Some("https://id.test/");
    assert!(code_of(&back("https://id.test"), issuer, true).is_ok());
    assert!(code_of(&back("https://id.test"), None, false).is_ok());
    let failure = code_of(&back("https://evil.test"), issuer, false).unwrap_err();
    assert_eq!(failure.code, Code::InvalidState);
    let silent = [("code", "abc"), ("state", "the-state")];
    assert_eq!(code_of(&silent, issuer, true).unwrap_err().code, Code::InvalidState);
    assert!(code_of(&silent, issuer, false).is_ok());
}

#[test]
fn the_servers_own_error_comes_out_without_secrets() {
    let failure = code_of(
        &[
            ("error", "login_required"),
            ("error_description", "state the-state, verifier the-verifier"),
            ("error_uri", "https://id.test/why"),
            ("state", "the-state"),
        ],
        None,
        false,
    )
    .unwrap_err();
    assert_eq!(failure.code, Code::AccessDenied);
    assert_eq!(failure.error.as_deref(), Some("login_required"));
    assert_eq!(failure.description.as_deref(), Some("state [secret], verifier [secret]"));
    assert_eq!(failure.uri.as_deref(), Some("https://id.test/why"));
    assert_eq!(failure.status, None);
}

#[test]
fn what_the_token_endpoint_says_to_the_code_has_the_contracts_codes() {
    let said = |code: Option<&str>| Refused { status: 400, code: code.map(Into::into), ..Refused::default() };
    let code = |meaning| granted(meaning).unwrap_err().code;
    assert_eq!(code(Some(Meaning::Ended(said(Some("invalid_grant"))))), Code::AccessDenied);
    assert_eq!(code(Some(Meaning::Invalid(said(Some("invalid_client"))))), Code::AccessDenied);
    assert_eq!(code(Some(Meaning::Invalid(said(None)))), Code::InvalidResponse);
    let busy = Meaning::Unavailable { said: said(None), retry_at_ms: Some(7) };
    assert_eq!(granted(Some(busy)).unwrap_err().retry_at_ms, Some(7));
    assert_eq!(code(None), Code::RefreshUnavailable);
    assert!(granted(Some(Meaning::Granted(Grant::default()))).is_ok());
}

#[test]
fn what_is_kept_comes_back_as_it_was_and_not_for_ever() {
    for pending in [pending(), Pending { app_state: None, ..pending() }] {
        let text = pending.write::<Value>();
        assert_eq!(Pending::read::<Value>(&text, NOW + 3_600_000), Some(pending));
        assert_eq!(Pending::read::<Value>(&text, NOW + MOST_MS + 1), None);
        assert_eq!(Pending::read::<Value>(&text, NOW - MOST_MS - 1), None);
    }
}

#[test]
fn hostile_members_make_what_is_kept_nothing() {
    let good = r#""v":1,"state":"s","verifier":"x","app_state":null,"redirect_uri":"https://a.test/","made_at_ms":1700000000000"#;
    assert!(Pending::read::<Value>(&format!("{{{good}}}"), NOW).is_some());
    for odd in [
        r#""v":2"#,
        r#""state":"""#,
        r#""state":"a b""#,
        r#""state":{"toString":1}"#,
        r#""verifier":null"#,
        r#""app_state":"{""#,
        r#""app_state":{}"#,
        r#""redirect_uri":"""#,
        r#""redirect_uri":7"#,
        r#""made_at_ms":"1700000000000""#,
        r#""made_at_ms":1e300"#,
    ] {
        assert!(Pending::read::<Value>(&format!("{{{good},{odd}}}"), NOW).is_none(), "{odd}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_trap(text in "\\PC*", now in any::<i64>()) {
        let _ = (Pending::read::<Value>(&text, now), route().discovered::<Value>(&text));
        let _ = (is_confidential(&text), metadata_urls(&text));
        let _ = redirect(&[("state", &text), ("error", &text), ("error_uri", &text), ("iss", &text)])
            .map(|redirect| redirect.code(&pending(), Some(&text), true));
    }

    #[test]
    fn what_is_kept_is_whole_or_nothing(cut in 0usize..200) {
        let whole = pending().write::<Value>();
        let torn: String = whole.chars().take(cut).collect();
        prop_assert!(torn.len() == whole.len() || Pending::read::<Value>(&torn, NOW).is_none());
    }

    #[test]
    fn http_is_confidential_on_loopback_hosts_alone(host in "[a-z.]{1,20}", port in proptest::option::of(1u16..)) {
        let url = match port {
            Some(port) => format!("http://{host}:{port}/x"),
            None => format!("http://{host}/x"),
        };
        let local = host == "localhost" || host.ends_with(".localhost");
        prop_assert_eq!(is_confidential(&url), local);
    }
}
