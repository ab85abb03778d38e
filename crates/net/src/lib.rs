//! dray net
