//! dray control
