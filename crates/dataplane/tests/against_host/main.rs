//! The program in the kernel against a model of it on the host, on random input.

#[path = "../common/mod.rs"]
mod common;
mod draft;
mod lives;
mod model;
mod packet;
mod pair;
mod random;
mod scene;
mod way;

use std::{panic::resume_unwind, process::Command, thread};

use dray_dataplane::Capacity;
use nix::sched::{CloneFlags, unshare};
use proptest::{collection::vec, prelude::*};

use pair::Pair;
use random::Event;
use scene::Methods;

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
    live_through(Methods::Direct, random::event());
}

#[test]
fn whatever_comes_in_the_kernel_changes_addresses_as_the_model_does() {
    // How large a packet to the client may be the program asks the kernel, for interface 1: here the loopback interface, with
    // room for all; and for interface 2, which there is not.
    let alone = || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network (root needed)");
        let set = Command::new("ip")
            .args(["link", "set", "lo", "mtu", "65535"])
            .status();
        assert!(set.expect("iproute2").success());
        live_through(Methods::Any, random::event_of_translated());
    };
    if let Err(panic) = thread::scope(|scope| scope.spawn(alone).join()) {
        resume_unwind(panic);
    }
}

fn live_through(methods: Methods, event: impl Strategy<Value = Event>) {
    let events = vec(event, 1..300);
    let mut config = ProptestConfig::with_cases(50);
    // What fails is told by the seed in the output.
    config.failure_persistence = None;
    proptest!(config, |(scene in scene::scene(methods), events in events)| {
        let mut pair = Pair::new(&scene, methods);
        for event in events {
            pair.play(&event)?;
        }
        pair.end()?;
    });
}
