//! What `lblc` and `lblcr` remember, and for how long.

use dray_sched::{Flow, Kind, LOCALITY_TIME, Load, locality_is_over, locality_service};

use crate::arena::load;
use crate::service::{SERVICE, Service, client, entry, name, number};

const LBLC: Kind = Kind::LocalityBased;
const LBLCR: Kind = Kind::LocalityBasedReplicated;

/// The first tick of these tests: not far from where ticks begin anew.
const START: u32 = u32::MAX - 1000;

#[test]
fn a_vip_keeps_its_destination_while_that_has_room() {
    for kind in [LBLC, LBLCR] {
        let mut service = service(kind);
        assert_eq!(pick(&service, 1, START), 'B', "the newer one of equals");
        occupy(&mut service, [0, 1]);
        assert_eq!(pick(&service, 1, START), 'B', "its weight is 1");
        assert_eq!(pick(&service, 2, START), 'A', "another VIP");
        occupy(&mut service, [1, 2]);
        assert_eq!(pick(&service, 1, START), 'B', "A is not half idle");
        occupy(&mut service, [0, 2]);
        assert_eq!(pick(&service, 1, START), 'A');
        // It stays there, whoever is idle now.
        occupy(&mut service, [1, 0]);
        let wanted = if kind == LBLC { 'A' } else { 'B' };
        assert_eq!(pick(&service, 1, START), wanted, "{kind:?}");
    }
}

#[test]
fn a_destination_that_takes_no_connections_is_not_kept() {
    for kind in [LBLC, LBLCR] {
        let mut service = service(kind);
        assert_eq!(pick(&service, 1, START), 'B');
        service.edit(number('B'), |b| b.weight = 0);
        assert_eq!(pick(&service, 1, START), 'A', "{kind:?}");
        service.edit(number('B'), |b| b.weight = 1);
        service.edit(number('A'), |a| a.eligible = false);
        assert_eq!(pick(&service, 1, START), 'B', "{kind:?}");
        service.edit(number('A'), |a| a.eligible = true);
        service.delete(number('B'));
        assert_eq!(pick(&service, 1, START), 'A', "{kind:?}");
    }
}

#[test]
fn another_services_destination_is_not_kept() {
    for kind in [LBLC, LBLCR] {
        let mut service = service(kind);
        assert_eq!(pick(&service, 1, START), 'B');
        occupy(&mut service, [0, 1]);
        service.arena.standing[number('B') as usize].service += 1;
        assert_eq!(pick(&service, 1, START), 'A', "{kind:?}");
    }
}

#[test]
fn lblc_keeps_an_overloaded_destination_and_lblcr_does_not() {
    for (kind, wanted) in [(LBLC, 'B'), (LBLCR, 'A')] {
        let mut service = service(kind);
        assert_eq!(pick(&service, 1, START), 'B');
        service.arena.live[number('B') as usize].overloaded = true;
        assert_eq!(pick(&service, 1, START), wanted, "{kind:?}");
    }
}

#[test]
fn a_set_that_stays_as_it_is_for_more_than_a_day_loses_its_most_loaded_member() {
    let mut service = service(LBLCR);
    assert_eq!(pick(&service, 1, START), 'B');
    occupy(&mut service, [0, 2]);
    assert_eq!(pick(&service, 1, START), 'A', "the set has both now");
    // Of equals the newest member is the least loaded, and the most loaded too.
    occupy(&mut service, [1, 1]);
    let day = START.wrapping_add(LOCALITY_TIME);
    assert_eq!(pick(&service, 1, day), 'A');
    assert_eq!(pick(&service, 1, day), 'A', "it is not over yet");
    assert_eq!(
        pick(&service, 1, day.wrapping_add(1)),
        'A',
        "it goes at last"
    );
    assert_eq!(pick(&service, 1, day.wrapping_add(1)), 'B');
    // The last one stays, though A has fewer connections.
    occupy(&mut service, [0, 1]);
    let later = day.wrapping_add(2 * LOCALITY_TIME);
    assert_eq!(pick(&service, 1, later), 'B');
    assert_eq!(pick(&service, 1, later), 'B');
}

#[test]
fn a_member_is_not_added_again() {
    let mut service = service(LBLCR);
    service.add(entry('C', 1));
    let live = |loads: [(u32, u32); 3]| -> Vec<Load> {
        let nobody = load((0, 0));
        std::iter::once(nobody).chain(loads.map(load)).collect()
    };
    service.arena.live = live([(1, 0), (0, 0), (1, 0)]);
    assert_eq!(pick(&service, 1, START), 'B');
    service.arena.live = live([(0, 0), (2, 0), (1, 0)]);
    assert_eq!(pick(&service, 1, START), 'A', "the newer member");
    // C is half idle and takes nothing: A has to give way, and B is the first of the least loaded.
    service.arena.live = live([(2, 0), (2, 0), (0, 0)]);
    service.arena.live[number('C') as usize].overloaded = true;
    assert_eq!(pick(&service, 1, START), 'B');
    service.arena.live = live([(1, 0), (1, 0), (1, 0)]);
    assert_eq!(
        pick(&service, 1, START),
        'A',
        "it is the newer member still"
    );
}

#[test]
fn a_full_bucket_gives_up_what_was_not_used_for_the_longest_time() {
    let service = service(LBLC);
    let vips: Vec<u32> = (0..).filter(|vip| bucket(*vip) == 5).take(9).collect();
    let mut service = service;
    for (vip, tick) in vips[..8].iter().zip(START..) {
        assert_eq!(pick(&service, *vip, tick), 'B');
    }
    assert_eq!(pick(&service, vips[0], START + 100), 'B', "used again");
    occupy(&mut service, [0, 1]);
    assert_eq!(pick(&service, vips[8], START + 101), 'A', "a new one");
    let kept: String = vips
        .iter()
        .filter(|vip| **vip != vips[1])
        .map(|vip| pick(&service, *vip, START + 102))
        .collect();
    assert_eq!(kept, "BBBBBBBA");
    assert_eq!(pick(&service, vips[1], START + 103), 'A', "forgotten");
}

#[test]
fn an_entry_is_over_when_it_was_not_used_for_a_day() {
    let word = |tick: u32| u64::from(tick) << 32 | 9;
    assert_eq!(locality_service(word(START)), Some(7));
    assert!(!locality_is_over(word(START), START));
    let day = START.wrapping_add(LOCALITY_TIME);
    assert!(!locality_is_over(word(START), day.wrapping_sub(1)));
    assert!(locality_is_over(word(START), day));
    assert!(
        !locality_is_over(word(START), START - 5),
        "a clock is ahead"
    );
    // A free slot, and one that is being written.
    for word in [0, 1] {
        assert_eq!(locality_service(word), None);
        assert!(!locality_is_over(word, u32::MAX));
    }
}

/// A and B, of weight 1, without connections.
fn service(kind: Kind) -> Service {
    let mut service = Service::with(kind, &[1, 1]);
    occupy(&mut service, [0, 0]);
    service
}

/// Gives A and B so many active connections.
fn occupy(service: &mut Service, [a, b]: [u32; 2]) {
    service.arena.live = [(0, 0), (a, 0), (b, 0)].map(load).to_vec();
}

fn pick(service: &Service, vip: u32, tick: u32) -> char {
    let flow = Flow {
        vip,
        vip_words: [0, u64::from(vip)],
        tick,
        ..client("192.0.2.1", 0)
    };
    name(service.pick(&flow))
}

/// The bucket of a VIP in the cache.
const fn bucket(vip: u32) -> u32 {
    let scattered = vip ^ SERVICE.wrapping_mul(0x9e37_79b9);
    scattered.wrapping_mul(0x61c8_8647) >> 22
}
