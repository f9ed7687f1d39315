//! The facilities of a browser that tabs share, each as it really is: see the files below.

pub(crate) mod local;
pub(crate) mod locks;
pub(crate) mod vault;
