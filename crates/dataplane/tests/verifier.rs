//! What the kernel's verifier thinks of the programs. A process of its own: while it asks, it can open no file.

use dray_dataplane::{
    Capacity,
    verifier::{self, Verified},
};

#[test]
fn the_verifier_is_far_from_its_limit() {
    let capacity = Capacity {
        connections: 1 << 20,
        translations: 64,
        services: 64,
        destinations: 64,
        words: 4096,
        hops: 64,
    };
    let statistics = verifier::statistics(&capacity).expect("every program loads (root needed)");
    println!("{statistics}");
    let near = |program: &&Verified| program.effort.processed > verifier::LIMIT / 2;
    let near: Vec<&Verified> = statistics.programs.iter().filter(near).collect();
    assert!(near.is_empty(), "more than half of the limit: {near:?}");
}
