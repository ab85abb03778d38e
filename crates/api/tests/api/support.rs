//! What the tests share: a director that keeps state, fixed answers of its, and ways to ask it.

pub(crate) mod ask;
pub(crate) mod director;
pub(crate) mod judge;
pub(crate) mod samples;
pub(crate) mod tls;
