//! tokenwell: the token session for single-page apps.

pub mod proto;
