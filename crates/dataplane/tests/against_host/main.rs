//! The program in the kernel against the same parsers and tables run on the host, on random input.

#[path = "../common/mod.rs"]
mod common;
mod lives;
mod random;

use dray_dataplane::Capacity;

const SMALL: Capacity = Capacity {
    connections: 64,
    services: 8,
    destinations: 16,
    words: 4096,
    hops: 16,
};
