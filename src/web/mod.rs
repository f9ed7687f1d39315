//! The browser: effects carried out, facts reported. A file for each facility, and no decision about auth.
//!
//! Everything the platform offers is looked up when it is used and may be missing, refused or somebody's
//! imitation (workers, server rendering, Appsmith, tests); every call can fail, and failing is a fact too.

mod callback;
pub mod callers;
pub mod channel;
pub mod clock;
pub mod dpop;
pub mod driver;
pub mod errors;
pub mod fetch;
pub mod init;
pub mod js;
pub mod json;
pub mod keypair;
pub mod listeners;
pub mod lock;
pub mod options;
pub mod reader;
pub mod refresher;
pub mod revoke;
pub mod seal;
pub mod sign_in;
pub mod snapshot;
pub mod storage;
pub mod task;
pub mod timer;
pub mod vault;
pub mod wake;
