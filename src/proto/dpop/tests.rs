use super::*;
use crate::proto::config::Config;
use crate::proto::io::Input;
use crate::proto::secret::Secret;
use crate::proto::session::Session;
use crate::proto::testing::Value;
use crate::proto::time::Now;
use proptest::prelude::*;

const API: &str = "https://api.test/orders";
/// 2026-11-21 14:00:00 GMT.
const NOW_MS: i64 = 1_795_269_600_000;
const DATE: &str = "Sat, 21 Nov 2026 14:00:00 GMT";

fn facts(complaint: Complaint) -> Facts<'static> {
    Facts { complaint, nonce: None, date: None, now_ms: NOW_MS }
}

fn ready(servers: &Servers, request: &mut Proven) -> Value {
    servers.ready(request, NOW_MS);
    Value::parse(&request.claims::<Value>("a-jti", None)).unwrap()
}

fn text(claims: &Value, name: &str) -> Option<String> {
    claims.get(name).and_then(|value| value.as_str())
}

fn asked(method: &str, url: &str) -> Proven {
    Proven::new(method.into(), url.into())
}

fn iat_ms(claims: &Value) -> i64 {
    claims.get("iat").unwrap().as_f64().unwrap() as i64 * 1000
}

#[test]
fn a_key_is_written_as_its_thumbprint_wants_it() {
    // RFC 9449 §4.1, Figure 2, its members in the order of RFC 7638 §3.
    let (x, y) =
        ("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
    let jwk = jwk(x, y).unwrap();
    assert_eq!(jwk, format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    let header = Value::parse(&header(&jwk)).unwrap();
    assert_eq!(text(&header, "typ").as_deref(), Some("dpop+jwt"));
    assert_eq!(text(&header, "alg").as_deref(), Some("ES256"));
    assert_eq!(header.get("jwk"), Value::parse(&jwk));
    for wrong in ["", "short", x.trim_start_matches('l'), &x.replace('-', "+"), &x.replace('-', "\"")] {
        assert!(super::jwk(wrong, y).is_none() && super::jwk(x, wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_proof_names_its_request_and_nothing_else_of_it() {
    // RFC 9449 §4.2: without query and fragment.
    let mut request = asked("GET", "https://api.test:8443/a%20b/?token=secret#more");
    Servers::default().ready(&mut request, NOW_MS + 999);
    let claims = request.claims::<Value>("a-jti", Some("a-hash"));
    let expected = format!(
        r#"{{"jti":"a-jti","htm":"GET","htu":"https://api.test:8443/a%20b/","iat":{},"ath":"a-hash"}}"#,
        NOW_MS / 1000
    );
    assert_eq!(claims, expected);
}

#[test]
fn a_nonce_that_is_asked_for_is_in_the_next_proof_and_asked_for_once() {
    let mut servers = Servers::default();
    let mut request = asked("GET", API);
    assert_eq!(text(&ready(&servers, &mut request), "nonce"), None);
    let asks = |nonce| Facts { nonce: Some(nonce), ..facts(Complaint::Nonce) };
    assert!(servers.answered(&mut request, &asks("one")));
    assert_eq!(text(&ready(&servers, &mut request), "nonce").as_deref(), Some("one"));
    assert!(!servers.answered(&mut request, &asks("two")), "a server that is never content");
    let mut next = asked("GET", API);
    assert_eq!(text(&ready(&servers, &mut next), "nonce").as_deref(), Some("two"));
    assert!(servers.answered(&mut next, &asks("three")));
}

#[test]
fn asking_for_the_nonce_that_was_there_or_for_none_is_not_answered() {
    let mut servers = Servers::default();
    let mut request = asked("GET", API);
    servers.ready(&mut request, NOW_MS);
    assert!(!servers.answered(&mut request, &facts(Complaint::Nonce)));
    assert!(!servers.answered(&mut request, &Facts { nonce: Some("one"), ..facts(Complaint::None) }));
    servers.ready(&mut request, NOW_MS);
    assert!(!servers.answered(&mut request, &Facts { nonce: Some("one"), ..facts(Complaint::Nonce) }));
}

#[test]
fn every_origin_has_its_own_nonce_and_any_answer_may_bring_the_next() {
    let mut servers = Servers::default();
    let brings = |nonce| Facts { nonce: Some(nonce), ..facts(Complaint::None) };
    let other = "https://api.test:8443/orders";
    assert!(!servers.answered(&mut asked("GET", API), &brings("one")));
    assert!(!servers.answered(&mut asked("GET", other), &brings("two")));
    for (url, nonce) in [(API, "one"), ("https://api.test/?x", "one"), (other, "two")] {
        assert_eq!(text(&ready(&servers, &mut asked("GET", url)), "nonce").as_deref(), Some(nonce));
    }
    for url in ["https://api.test.evil/", "http://api.test/", "https://other.test/"] {
        assert_eq!(text(&ready(&servers, &mut asked("GET", url)), "nonce"), None, "{url}");
    }
}

#[test]
fn what_is_no_nonce_is_not_remembered() {
    let mut servers = Servers::default();
    // Two headers come joined by a comma and a space.
    for wrong in ["", "a b", "one, two", "\"one\"", "one\\", "é", &"n".repeat(MAX_NONCE_LEN + 1)] {
        let mut request = asked("GET", API);
        assert!(!servers.answered(&mut request, &Facts { nonce: Some(wrong), ..facts(Complaint::Nonce) }));
        assert_eq!(text(&ready(&servers, &mut request), "nonce"), None, "{wrong}");
    }
}

#[test]
fn the_memory_for_nonces_is_bounded_and_forgets_the_oldest() {
    let mut servers = Servers::default();
    for at in 0..MOST_ORIGINS * 3 {
        let mut request = asked("GET", &format!("https://{at}.test/"));
        servers.answered(&mut request, &Facts { nonce: Some("one"), ..facts(Complaint::None) });
        servers.answered(&mut asked("GET", API), &Facts { nonce: Some("mine"), ..facts(Complaint::None) });
    }
    assert_eq!(servers.nonces.len(), MOST_ORIGINS);
    assert_eq!(servers.nonce("https://api.test"), Some("mine"));
}

#[test]
fn a_wrong_clock_is_learnt_from_the_answer_that_complains_once() {
    for off_ms in [3_600_000, -3_600_000, 86_400_000 * 400, -86_400_000 * 400] {
        let mut servers = Servers::default();
        let mut request = asked("GET", API);
        // Ours says that much more than it is.
        servers.ready(&mut request, NOW_MS + off_ms);
        let refused = Facts { date: Some(DATE), now_ms: NOW_MS + off_ms + 300, ..facts(Complaint::Proof) };
        assert!(servers.answered(&mut request, &refused), "{off_ms}");
        servers.ready(&mut request, NOW_MS + off_ms + 300);
        let claims = Value::parse(&request.claims::<Value>("a-jti", None)).unwrap();
        assert!((NOW_MS - 1000..=NOW_MS).contains(&iat_ms(&claims)), "{off_ms}: {}", iat_ms(&claims));
        assert!(!servers.answered(&mut request, &refused), "the clock was not what is wrong");
    }
}

#[test]
fn a_clock_that_agrees_with_the_servers_is_left_alone() {
    let mut servers = Servers::default();
    for (sent_ms, now_ms) in
        [(NOW_MS, NOW_MS), (NOW_MS - 5_000, NOW_MS + 9_000), (NOW_MS + 999, NOW_MS + 999)]
    {
        let mut request = asked("GET", API);
        servers.ready(&mut request, sent_ms);
        let refused = Facts { date: Some(DATE), now_ms, ..facts(Complaint::Proof) };
        assert!(!servers.answered(&mut request, &refused));
        assert_eq!(servers.offset_ms, 0);
    }
}

#[test]
fn the_date_of_an_answer_that_does_not_complain_is_not_looked_at() {
    let mut servers = Servers::default();
    let mut request = asked("GET", API);
    servers.ready(&mut request, NOW_MS);
    let old = Some("Sat, 21 Nov 2026 11:00:00 GMT");
    for complaint in [Complaint::None, Complaint::Hidden] {
        assert!(!servers.answered(&mut request, &Facts { date: old, ..facts(complaint) }));
        assert_eq!(servers.offset_ms, 0, "it may have lain in a cache");
    }
}

#[test]
fn a_clock_set_right_since_is_found_even_where_no_date_can_be_read() {
    let mut servers = Servers { offset_ms: -3_600_000, ..Servers::default() };
    let mut request = asked("GET", API);
    servers.ready(&mut request, NOW_MS);
    assert!(servers.answered(&mut request, &facts(Complaint::Proof)));
    assert_eq!(iat_ms(&ready(&servers, &mut request)), NOW_MS);
    assert!(!servers.answered(&mut request, &facts(Complaint::Proof)));
}

#[test]
fn no_server_gets_a_request_more_than_three_times() {
    let mut servers = Servers::default();
    let mut request = asked("POST", API);
    let mut sent = 0;
    for at in 0..20 {
        servers.ready(&mut request, NOW_MS + 7_200_000 * (at + 1));
        sent += 1;
        let nonce = format!("nonce-{at}");
        let complaint = if at % 2 == 0 { Complaint::Proof } else { Complaint::Nonce };
        let said =
            Facts { nonce: Some(&nonce), date: Some(DATE), now_ms: NOW_MS + 7_200_000 * (at + 1), complaint };
        if !servers.answered(&mut request, &said) {
            break;
        }
    }
    assert_eq!(sent, 3);
}

#[test]
fn a_complaint_is_read_from_codes_and_challenges() {
    assert_eq!(Complaint::of_code("use_dpop_nonce"), Complaint::Nonce);
    assert_eq!(Complaint::of_code("invalid_dpop_proof"), Complaint::Proof);
    assert_eq!(Complaint::of_code("invalid_grant"), Complaint::None);
    let of = |status, challenge| Complaint::of_answer(Some(status), challenge);
    assert_eq!(of(401, Some("DPoP error=\"use_dpop_nonce\"")), Complaint::Nonce);
    assert_eq!(of(401, Some("DPoP error=\"invalid_dpop_proof\"")), Complaint::Proof);
    assert_eq!(of(401, Some("DPoP error=\"invalid_token\"")), Complaint::None);
    assert_eq!(of(401, None), Complaint::Hidden);
    assert_eq!(of(403, Some("DPoP error=\"use_dpop_nonce\"")), Complaint::None);
    assert_eq!(Complaint::of_answer(None, None), Complaint::None);
}

#[test]
fn a_token_of_another_type_is_not_bound() {
    let of = |kind: Option<&str>| is_bound(&Grant { token_type: kind.map(String::from), ..Grant::default() });
    assert!(of(Some("DPoP")) && of(Some("dpop")) && of(None));
    assert!(!of(Some("Bearer")) && !of(Some("")) && !of(Some("N_A")));
}

#[test]
fn an_answer_without_bound_tokens_is_no_answer() {
    let granted = |kind: &str| Meaning::Granted(Grant { token_type: Some(kind.into()), ..Grant::default() });
    assert_eq!(bound(granted("DPoP")), granted("DPoP"));
    let Meaning::Invalid(said) = bound(granted("Bearer")) else { panic!("taken") };
    assert_eq!(said.description.as_deref(), Some(NOT_BOUND));
    let said = Refused { code: Some("use_dpop_nonce".into()), ..Refused::default() };
    assert_eq!(complaint(&Meaning::Invalid(said.clone())), Complaint::Nonce);
    assert_eq!(
        complaint(&Meaning::Ended(said.clone())),
        Complaint::Nonce,
        "whatever the route's terminal codes"
    );
    assert_eq!(bound(Meaning::Invalid(said.clone())), Meaning::Invalid(said));
    assert_eq!(complaint(&granted("DPoP")), Complaint::None);
}

#[test]
fn only_tokens_of_a_login_in_this_very_page_may_have_a_new_key() {
    let now = Now { wall_ms: NOW_MS, mono_ms: 1_000, noise: 7 };
    let mut session = Session::new(Config::default(), now);
    assert!(!needs_kept_key(&session.view(now)), "nobody is signed in");
    let grant = Grant {
        access_token: Some(Secret::new("an-access-token")),
        refresh_token: Some(Secret::new("a-refresh-token")),
        expires_in_ms: Some(3_600_000),
        ..Grant::default()
    };
    let sign_in = Input::SignIn { grant, id: "an-id".into(), key: Secret::new("a-key") };
    session.handle(now, sign_in);
    assert!(!needs_kept_key(&session.view(now)));
    let record = session.view(now).record.cloned();
    let mut reloaded = Session::new(Config::default(), now);
    reloaded.handle(now, Input::Restored(record));
    assert!(needs_kept_key(&reloaded.view(now)));
    reloaded.handle(now, Input::SignOut);
    assert!(!needs_kept_key(&reloaded.view(now)));
}

proptest! {
    #[test]
    fn any_answer_is_taken_without_panic(
        url in ".{0,40}", method in ".{0,9}", nonce in ".{0,40}", date in ".{0,40}", times in any::<[i64; 2]>(),
    ) {
        let mut servers = Servers::default();
        let mut request = asked(&method, &url);
        for complaint in [Complaint::Nonce, Complaint::Proof, Complaint::Hidden, Complaint::None] {
            servers.ready(&mut request, times[0]);
            let claims = Value::parse(&request.claims::<Value>("a-jti", None)).unwrap();
            prop_assert!(!text(&claims, "htu").unwrap().contains(['?', '#']));
            let facts = Facts { complaint, nonce: Some(&nonce), date: Some(&date), now_ms: times[1] };
            servers.answered(&mut request, &facts);
        }
    }

    #[test]
    fn a_learnt_clock_is_never_ahead_of_the_servers(off_ms in -10_000_000_000i64..10_000_000_000, took_ms in 0i64..20_000, at_ms in 0i64..20_000) {
        // The server reads its clock, NOW_MS, somewhere between sending and receipt.
        let sent_ms = NOW_MS + off_ms - at_ms.min(took_ms);
        let mut servers = Servers::default();
        let mut request = asked("GET", API);
        servers.ready(&mut request, sent_ms);
        let now_ms = sent_ms + took_ms;
        servers.answered(&mut request, &Facts { date: Some(DATE), now_ms, ..facts(Complaint::Proof) });
        let true_ms = NOW_MS + took_ms - at_ms.min(took_ms);
        servers.ready(&mut request, now_ms);
        let said_ms = iat_ms(&Value::parse(&request.claims::<Value>("a-jti", None)).unwrap());
        prop_assert!(said_ms <= true_ms + 20_000 && said_ms >= true_ms - 21_000);
        prop_assert!(servers.offset_ms == 0 || said_ms <= true_ms);
    }
}
