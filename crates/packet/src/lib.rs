//! dray packet
