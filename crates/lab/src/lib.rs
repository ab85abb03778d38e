//! dray lab
