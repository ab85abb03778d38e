//! dray api
