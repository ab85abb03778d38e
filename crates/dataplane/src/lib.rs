//! dray dataplane
