//! dray abi
