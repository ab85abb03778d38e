//! dray bpf
