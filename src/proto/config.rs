//! What the core needs to know of an app's options.

use super::route::DEFAULT_TIMEOUT_MS;
use super::token::Leeway;
use super::unauthorized::RetryOn;

/// How the tabs of a sign-in keep out of each other's way.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Coordination {
    /// There is only this tab, or the app wants it so.
    #[default]
    Alone,
    /// Tabs can talk, but share no place that can be changed in one step.
    Channel,
    /// There is a shared, sealed, transactional place.
    Vault,
}

/// The options that decide something.
#[derive(Clone, PartialEq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Config {
    /// How long before expiry to refresh.
    pub leeway: Leeway,
    /// Which 401 lead to a refresh.
    pub retry_on: RetryOn,
    /// Refresh in the background.
    pub auto_refresh: bool,
    /// How long one attempt may stay unanswered before its callers are told, ms.
    pub timeout_ms: i64,
    /// The refresh token, if any, is not ours to present: a cookie holds it, or a function knows.
    pub presents_nothing: bool,
    /// Cookie mode: no token in the page; refresh this often, ms.
    pub cookie_interval_ms: Option<i64>,
    /// How tabs coordinate.
    pub coordination: Coordination,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            leeway: Leeway::default(),
            retry_on: RetryOn::default(),
            auto_refresh: true,
            timeout_ms: DEFAULT_TIMEOUT_MS,
            presents_nothing: false,
            cookie_interval_ms: None,
            coordination: Coordination::default(),
        }
    }
}
