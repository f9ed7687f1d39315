//! The model server: families of refresh tokens, rotation, reuse detection as `oidc-provider` does it, and an
//! API that checks access tokens. It lives by the true clock.

use super::plan::Rotation;

/// What one sign-in became at the server.
pub(crate) struct Family {
    pub(crate) alive: bool,
    /// The refresh token that will be accepted next.
    pub(crate) current: usize,
}

/// A refresh token. Tokens of a family are in the order of their making.
pub(crate) struct Refresh {
    pub(crate) family: usize,
    pub(crate) expires_at: Option<i64>,
    spent_at: Option<i64>,
}

struct Access {
    family: usize,
    expires_at: i64,
}

/// What a sign-in or a refresh gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) access: usize,
    /// `None`: the old one stays.
    pub(crate) refresh: Option<usize>,
}

pub(crate) struct Rules {
    pub(crate) rotation: Rotation,
    pub(crate) access_ms: i64,
    pub(crate) refresh_ms: Option<i64>,
    /// Opaque access tokens die with their family, JWTs live on until they expire.
    pub(crate) opaque: bool,
}

pub(crate) struct Server {
    rules: Rules,
    pub(crate) families: Vec<Family>,
    pub(crate) refreshes: Vec<Refresh>,
    accesses: Vec<Access>,
}

impl Server {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, families: Vec::new(), refreshes: Vec::new(), accesses: Vec::new() }
    }

    pub(crate) fn sign_in(&mut self, now: i64) -> Pair {
        let family = self.families.len();
        self.families.push(Family { alive: true, current: 0 });
        let refresh = self.issue_refresh(family, now);
        Pair { access: self.issue_access(family, now), refresh: Some(refresh) }
    }

    /// The token endpoint; `None` is `invalid_grant`.
    pub(crate) fn refresh(&mut self, token: usize, now: i64) -> Option<Pair> {
        let Refresh { family, expires_at, spent_at } = *self.refreshes.get(token)?;
        let owner = self.families.get_mut(family)?;
        if !owner.alive || expires_at.is_some_and(|at| at <= now) {
            return None;
        }
        if let Some(spent_at) = spent_at {
            match self.rules.rotation {
                Rotation::Grace { ms } if now - spent_at <= ms => {
                    let refresh = Some(owner.current);
                    return Some(Pair { access: self.issue_access(family, now), refresh });
                }
                Rotation::Plain => {}
                Rotation::Reuse | Rotation::Grace { .. } | Rotation::None => owner.alive = false,
            }
            return None;
        }
        let refresh = match self.rules.rotation {
            Rotation::None => None,
            Rotation::Reuse | Rotation::Grace { .. } | Rotation::Plain => {
                if let Some(spent) = self.refreshes.get_mut(token) {
                    spent.spent_at = Some(now);
                }
                Some(self.issue_refresh(family, now))
            }
        };
        Some(Pair { access: self.issue_access(family, now), refresh })
    }

    /// Whether the API accepts that access token.
    pub(crate) fn accepts(&self, token: usize, now: i64) -> bool {
        self.accesses
            .get(token)
            .is_some_and(|t| t.expires_at > now && (!self.rules.opaque || self.families[t.family].alive))
    }

    /// Whether that access token has come to its end.
    pub(crate) fn has_expired(&self, token: usize, now: i64) -> bool {
        self.accesses.get(token).is_some_and(|t| t.expires_at <= now)
    }

    /// RFC 7009, or an administrator.
    pub(crate) fn end(&mut self, family: usize) {
        if let Some(family) = self.families.get_mut(family) {
            family.alive = false;
        }
    }

    /// Whether that refresh token would still be taken.
    pub(crate) fn takes(&self, token: usize, now: i64) -> bool {
        self.refreshes.get(token).is_some_and(|t| {
            self.families[t.family].alive && t.spent_at.is_none() && t.expires_at.is_none_or(|at| at > now)
        })
    }

    pub(crate) fn family_of_refresh(&self, token: usize) -> Option<usize> {
        self.refreshes.get(token).map(|t| t.family)
    }

    pub(crate) fn family_of_access(&self, token: usize) -> Option<usize> {
        self.accesses.get(token).map(|t| t.family)
    }

    fn issue_refresh(&mut self, family: usize, now: i64) -> usize {
        let expires_at = self.rules.refresh_ms.map(|ms| now + ms);
        self.refreshes.push(Refresh { family, expires_at, spent_at: None });
        let token = self.refreshes.len() - 1;
        self.families[family].current = token;
        token
    }

    fn issue_access(&mut self, family: usize, now: i64) -> usize {
        self.accesses.push(Access { family, expires_at: now + self.rules.access_ms });
        self.accesses.len() - 1
    }
}
