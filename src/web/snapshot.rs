//! Snapshots, events and decisions as JavaScript sees them: plain, frozen objects.

use js_sys::{Array, Object};
use wasm_bindgen::JsValue;

use super::{js, json};
use crate::proto::error::Failure;
use crate::proto::explain::Decision;
use crate::proto::io::Ended;
use crate::proto::jwt;
use crate::proto::record::Record;
use crate::proto::session::{Because, Status, View};

/// What a snapshot is made of, copied out of the session: making it calls into JavaScript.
pub struct Facts {
    status: Status,
    refreshing: bool,
    because: Because,
    record: Option<Record>,
    pub failure: Option<Failure>,
}

impl Facts {
    /// Copies a view.
    pub fn of(view: &View<'_>) -> Self {
        Self {
            status: view.status,
            refreshing: view.refreshing,
            because: view.because,
            record: view.record.cloned(),
            failure: view.failure.cloned(),
        }
    }

    /// Contract: `Snapshot`.
    pub fn snapshot(&self, error: JsValue) -> JsValue {
        let tokens = self.record.as_ref().map(|record| &record.tokens);
        let access = tokens.and_then(|t| t.access_token.as_ref()).map(|token| token.expose());
        let claims = access.and_then(jwt::payload).map_or(JsValue::NULL, |payload| deep_frozen(&payload));
        let user = tokens.and_then(|t| t.user.as_deref()).map_or(JsValue::NULL, deep_frozen);
        // A cookie's expiry isn't known; its interval is ours.
        let expires_at = tokens.filter(|t| t.access_token.is_some()).and_then(|t| t.expires_at_ms());
        frozen(js::object(&[
            ("status", status(self.status).into()),
            ("refreshing", self.refreshing.into()),
            ("accessToken", js::text(access)),
            ("expiresAt", js::ms(expires_at)),
            ("refreshTokenExpiresAt", js::ms(tokens.and_then(|t| t.refresh_expires_at_ms))),
            ("claims", claims),
            ("user", user),
            ("scope", js::text(tokens.and_then(|t| t.scope.as_deref()))),
            ("reason", because(self.because).into()),
            ("error", error),
        ]))
    }
}

/// Contract: `Decision[]`.
pub fn decisions(decisions: &[Decision]) -> JsValue {
    let one = |decision: &Decision| {
        let detail = decision.detail.map(|(name, value)| (name, js::ms(Some(value))));
        frozen(js::object(&[
            ("at", js::ms(Some(decision.at_ms))),
            ("what", decision.what.into()),
            ("why", decision.why.into()),
            ("detail", frozen(js::object(detail.as_slice()))),
        ]))
    };
    frozen(decisions.iter().map(one).collect::<Array>().into())
}

/// Contract: the `reason` of `signed-out`.
pub fn ended(how: Ended) -> &'static str {
    match how {
        Ended::SignedOut => "signed-out",
        Ended::Rejected => "rejected",
        Ended::Expired => "expired",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::SignedOut => "signed-out",
        Status::SignedIn => "signed-in",
        Status::Expired => "expired",
    }
}

fn because(because: Because) -> &'static str {
    match because {
        Because::None => "none",
        Because::Stored => "stored",
        Because::SignedIn => "signed-in",
        Because::Refreshed => "refreshed",
        Because::Adopted => "adopted",
        Because::Ended(how) => ended(how),
    }
}

/// `Object.freeze`, on an object of ours.
pub fn frozen(object: JsValue) -> JsValue {
    Object::freeze(&Object::from(object)).into()
}

/// JSON as a frozen value.
fn deep_frozen(text: &str) -> JsValue {
    let value = json::value(text);
    if value.is_object() { frozen(value) } else { value }
}
