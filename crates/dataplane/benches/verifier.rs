//! What the running kernel's verifier says about the object's programs, as a table: `cargo xtask bench verifier`.
//!
//! `crates/dataplane/tests/verifier.rs` holds the same figures to a limit, on this kernel and, by
//! `cargo xtask kernels`, on another.

use std::error::Error;

use dray_dataplane::{Capacity, verifier};

/// What the default configuration makes.
const CAPACITY: Capacity = Capacity {
    connections: 1 << 20,
    translations: 64,
    services: 4096,
    destinations: 16_384,
    words: 1 << 20,
    hops: 4096,
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", verifier::statistics(&CAPACITY)?);
    Ok(())
}
