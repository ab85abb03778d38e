//! The program in the kernel against a model of it on the host, on random input.

#[path = "../common/mod.rs"]
mod common;
mod lives;
mod model;
mod packet;
mod pair;
mod random;
mod scene;

use dray_dataplane::Capacity;
use proptest::{collection::vec, prelude::*};

use pair::Pair;

const SMALL: Capacity = Capacity {
    connections: 64,
    translations: 64,
    services: 8,
    destinations: 16,
    words: 4096,
    hops: 16,
};

#[test]
fn whatever_comes_in_the_kernel_does_what_the_model_does() {
    let events = vec(random::event(), 1..300);
    let mut config = ProptestConfig::with_cases(50);
    // What fails is told by the seed in the output.
    config.failure_persistence = None;
    proptest!(config, |(scene in scene::scene(), events in events)| {
        let mut pair = Pair::new(&scene);
        for event in events {
            pair.play(&event)?;
        }
    });
}
