//! dray testkit
