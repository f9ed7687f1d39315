//! The key pair that proofs are signed with: made by the platform, which never gives the private half to anyone, and
//! kept in IndexedDB under the session's name, for all tabs and the next reload.
//!
//! It outlives the sign-in: another tab's, of the same name, may need it still. Without tokens it opens nothing.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::driver::Driver;
use super::errors::{error, mistake};
use super::storage::Storage;
use super::{js, json, seal, task, timer, vault};
use crate::proto::dpop;
use crate::proto::error::{Code, Failure};
use crate::proto::io::Input;
use crate::proto::text::joined;

/// A database that does not answer for this long, ms, is one that refuses.
const PATIENCE_MS: i64 = 5_000;

const NOT_KEPT: &str =
    "IndexedDB refused to keep the DPoP key; the session goes on in memory until the page is left.";
const UNREADABLE: &str =
    "The DPoP key that the session's tokens are bound to could not be read; the session is kept.";
const NO_KEYS: &str = "This platform makes no ECDSA P-256 keys, which dpop needs.";

/// A key pair.
pub struct Key {
    /// What signs.
    pub private: JsValue,
    /// The public half (RFC 7638 §3).
    pub jwk: String,
    /// Whether it will be there after a redirect.
    pub is_kept: bool,
}

impl Key {
    /// The session's own: the one that is kept, or a new one.
    pub async fn load(driver: &Rc<Driver>) -> Result<Self, JsValue> {
        let how = json::value(r#"{"name":"ECDSA","namedCurve":"P-256"}"#);
        let usages = json::value(r#"["sign","verify"]"#);
        let making = js::call_settled(&seal::subtle(), "generateKey", &[&how, &JsValue::FALSE, &usages]);
        let mut pair = making.await.map_err(|_| mistake(NO_KEYS))?;
        let kept = js::settled(kept(driver, pair.clone())).await.unwrap_or_default();
        let is_kept = kept.is_object();
        if is_kept {
            pair = kept;
        } else if driver.needs_kept_key() {
            return Err(error(&Failure::new(Code::Storage, UNREADABLE)));
        } else {
            // A set of tokens that outlives its key would only look like a session.
            Storage::give_up(driver);
            driver.feed(Input::StorageFailed(NOT_KEPT));
        }
        let public = js::get(&pair, "publicKey")?;
        let exporting = js::call_settled(&seal::subtle(), "exportKey", &[&"jwk".into(), &public]);
        let public = exporting.await?;
        let coordinate = |name| js::string_at(&public, name).unwrap_or_default();
        let jwk = dpop::jwk(&coordinate("x"), &coordinate("y")).ok_or_else(|| mistake(NO_KEYS))?;
        Ok(Self { private: js::get(&pair, "privateKey")?, jwk, is_kept })
    }
}

/// The pair that is kept under the session's name, which this is if none was; nothing, if the database does not say.
fn kept(driver: &Driver, pair: JsValue) -> JsValue {
    let name = joined(&["dpop:", &driver.settings.name]);
    let asked = task::promise(vault::keep(name, pair));
    timer::before(Some(&timer::deadline(PATIENCE_MS)), asked.into())
}
