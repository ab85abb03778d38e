//! Translated connections as packets leave them in the maps, and as a daemon that was killed does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dray_abi::{Counters, SLOTS_PER_BUCKET, Slot4, Slot6, Translation};
use dray_model::{DataPlane as _, DestinationId, Mac};

use super::*;
use crate::{Capacity, Private};

const CAPACITY: Capacity = Capacity {
    connections: 64,
    translations: 64,
    services: 4,
    destinations: 8,
    words: 1024,
    hops: 8,
};

const REAL: u32 = 3;
const UDP: u8 = 11;
const FOREVER: u32 = 1 << 20;

/// An IPv4 connection by FULLNAT to an IPv6 real server, in places of the tests' choice, and what counts for it. The tests share
/// one data plane, because loading the program takes longer than all of them.
struct Scene(MutexGuard<'static, Option<Private>>);

/// Bucket and slot.
type At = (u32, usize);

const CONNECTION: At = (1, 2);
const RETURN: At = (4, 5);
const TRANSLATION: At = (3, 7);

const CLIENT: &str = "192.0.2.1:4000";
const LOCAL: &str = "[fd00::fe]:2000";

const fn reference((bucket, slot): At) -> u32 {
    1 + bucket * SLOTS_PER_BUCKET as u32 + slot as u32
}

fn bytes(reference: u32) -> [u8; 3] {
    let [low, middle, high, _] = reference.to_le_bytes();
    [low, middle, high]
}

/// Client 192.0.2.1:4000, VIP 10.0.0.100:53, UDP.
fn client_key() -> [u64; 5] {
    let addresses = u64::from_le_bytes([192, 0, 2, 1, 10, 0, 0, 100]);
    [addresses, tail(4000, 53), 0, 0, 0]
}

/// Real server fd00::1, port 5300, to fd00::fe, port 2000, UDP.
fn server_key() -> [u64; 5] {
    let high = u64::from_le_bytes([0xfd, 0, 0, 0, 0, 0, 0, 0]);
    let low = |last| u64::from_le_bytes([0, 0, 0, 0, 0, 0, 0, last]);
    [high, low(1), high, low(0xfe), tail(5300, 2000)]
}

fn tail(source: u16, destination: u16) -> u64 {
    let ([a, b], [c, d]) = (source.to_be_bytes(), destination.to_be_bytes());
    u64::from_le_bytes([a, b, c, d, 17, 0, 0, 0])
}

impl Scene {
    fn new() -> Self {
        static SHARED: Mutex<Option<Private>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let load = || Private::new(CAPACITY, &[Mac([2, 0, 0, 0, 0, 1])]);
        shared
            .get_or_insert_with(|| load().expect("the program loads (root needed)"))
            .reset()
            .expect("a data plane as good as new");
        let scene = Self(shared);
        let unit = dray_abi::Live {
            active_inactive: dray_abi::Live::INACTIVE,
            ..dray_abi::Live::default()
        };
        scene.maps().live.write(REAL, unit);
        scene.maps().counters.write(REAL, Counters::default());
        let over = scene.plane().tick() + 10;
        scene.put_connection(Meta::new(over, REAL, UDP | Meta::TRANSLATED));
        scene.put_return(RETURN, TRANSLATION);
        scene.put_translation(reference(CONNECTION), reference(RETURN));
        scene
    }

    fn plane(&self) -> &KernelDataPlane {
        self.0.as_ref().expect("a data plane").plane()
    }

    fn plane_mut(&mut self) -> &mut KernelDataPlane {
        self.0.as_mut().expect("a data plane").data_plane()
    }

    fn maps(&self) -> &Maps {
        self.plane().maps()
    }

    fn put_connection(&self, meta: Meta) {
        let mut bucket = self.maps().connections4.read(CONNECTION.0).unwrap();
        bucket[CONNECTION.1] = Slot4 {
            meta: meta.0,
            key: [client_key()[0], client_key()[1]],
            since: 1,
            template: bytes(reference(TRANSLATION)),
            spilled: 0,
        };
        self.maps().connections4.write(CONNECTION.0, bucket);
    }

    fn put_return(&self, at: At, translation: At) {
        let mut bucket = self.maps().connections6.read(at.0).unwrap();
        bucket[at.1] = Slot6 {
            meta: Meta::new(FOREVER, REAL, Meta::RETURN | Meta::TRANSLATED).0,
            key: server_key(),
            since: 1,
            template: bytes(reference(translation)),
            ..Slot6::default()
        };
        self.maps().connections6.write(at.0, bucket);
    }

    fn put_translation(&self, connection: u32, answers: u32) {
        let mut bucket = self.maps().translations.read(TRANSLATION.0).unwrap();
        bucket[TRANSLATION.1] = Translation {
            meta: Meta::new(1, REAL, 0).0,
            client: client_key(),
            server: server_key(),
            connection,
            answers,
            client_family: 4,
            server_family: 6,
            ..Translation::default()
        };
        self.maps().translations.write(TRANSLATION.0, bucket);
    }

    /// How many connections, return slots and translations there are.
    fn left(&self) -> [u64; 3] {
        let found = self.plane().occupancy();
        [found.connections, found.returns, found.translations]
    }

    fn sweep(&mut self) -> Sweep {
        self.plane_mut().sweep(1)
    }

    fn live(&mut self) -> u32 {
        self.plane_mut().live(DestinationId(REAL)).total()
    }
}

#[test]
fn a_translated_connection_is_one_connection() {
    let mut scene = Scene::new();
    let alive = Sweep {
        alive: 1,
        ended: 0,
        translated: 1,
    };
    assert_eq!(scene.sweep(), alive);
    assert_eq!(scene.left(), [1, 1, 1]);
    let listed = scene.plane_mut().connections(&|_| true, usize::MAX);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0].client.to_string(), CLIENT);
    assert_eq!(listed[0].service.to_string(), "udp://10.0.0.100:53");
    assert_eq!(listed[0].local, Some(LOCAL.parse().unwrap()));
}

#[test]
fn all_of_it_ends_when_its_time_is_over() {
    let mut scene = Scene::new();
    let eleven = dray_abi::duration_of_ticks(11);
    scene.0.as_mut().expect("a data plane").advance(eleven);
    assert_eq!(scene.sweep().ended, 1);
    assert_eq!(scene.left(), [0, 0, 0]);
    assert_eq!(scene.live(), 0);
}

#[test]
fn what_a_newer_connection_has_taken_over_stays() {
    let mut scene = Scene::new();
    let other: At = (0, 0);
    scene.put_return(RETURN, other);
    let mut bucket = scene.maps().translations.read(other.0).unwrap();
    bucket[other.1] = Translation {
        // As a packet leaves it that is about to publish the connection.
        meta: Meta::busy(1).0,
        ..Translation::default()
    };
    scene.maps().translations.write(other.0, bucket);
    let seen = scene.maps().connections4.read(CONNECTION.0).unwrap()[CONNECTION.1];
    let slot = slots::connection(&scene.maps().connections4, reference(CONNECTION)).unwrap();
    assert!(
        scene
            .maps()
            .end_connection(&slot, Meta(seen.meta), Why::Over)
    );
    assert_eq!(scene.left(), [0, 1, 1], "the new one's");
    assert_eq!(scene.live(), 0);
}

#[test]
fn a_translation_without_a_connection_is_freed_with_its_return_slot() {
    let mut scene = Scene::new();
    scene.put_connection(Meta::FREE);
    assert_eq!(scene.sweep(), Sweep::default());
    assert_eq!(scene.left(), [0, 0, 0]);
}

#[test]
fn a_return_slot_that_its_translation_does_not_know_is_freed() {
    let mut scene = Scene::new();
    scene.put_return((0, 1), TRANSLATION);
    scene.put_return((0, 2), (6, 6));
    assert_eq!(scene.left(), [1, 3, 1]);
    scene.sweep();
    assert_eq!(scene.left(), [1, 1, 1]);
}

#[test]
fn what_is_being_written_is_left_alone() {
    let mut scene = Scene::new();
    let mut bucket = scene.maps().translations.read(0).unwrap();
    bucket[0].meta = Meta::busy(1).0;
    scene.maps().translations.write(0, bucket);
    scene.sweep();
    assert_eq!(scene.left(), [1, 1, 2]);
}

#[test]
fn a_slot_that_names_anothers_translation_ends_alone() {
    let mut scene = Scene::new();
    scene.put_translation(reference((0, 0)), reference(RETURN));
    let seen = scene.maps().connections4.read(CONNECTION.0).unwrap()[CONNECTION.1];
    let slot = slots::connection(&scene.maps().connections4, reference(CONNECTION)).unwrap();
    let maps = scene.maps();
    assert!(maps.end_connection(&slot, Meta(seen.meta), Why::Over));
    assert_eq!(scene.left(), [0, 1, 1]);
    assert_eq!(scene.live(), 0);
}

#[test]
fn a_removal_is_followed_by_one_round() {
    let mut leftovers = Leftovers::default();
    assert!(!leftovers.end_in_next(3, true), "nothing was removed");
    leftovers.arise();
    let sweeps = [(); 4].map(|()| leftovers.end_in_next(3, true));
    assert_eq!(sweeps, [true, true, true, false]);
}

#[test]
fn a_removal_in_mid_round_begins_another() {
    let mut leftovers = Leftovers::default();
    leftovers.arise();
    assert!(leftovers.end_in_next(3, true));
    leftovers.arise();
    let sweeps = [(); 4].map(|()| leftovers.end_in_next(3, true));
    assert_eq!(sweeps, [true, true, true, false]);
}

#[test]
fn what_counts_is_the_option_at_the_removal() {
    let mut leftovers = Leftovers::default();
    leftovers.arise();
    assert!(!leftovers.end_in_next(2, false));
    assert!(!leftovers.end_in_next(2, true), "it came on afterwards");
    leftovers.arise();
    assert!(leftovers.end_in_next(2, true));
    assert!(leftovers.end_in_next(2, false), "it went off afterwards");
}
