//! What must hold of every record.

use std::net::{IpAddr, Ipv4Addr};

use dray_sched::{
    Decoded, DecodedEntry, Entry, Flow, Kind, Overhead, build, decode, pick, record_len, stateless,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::against_reference::{kinds, overheads};
use crate::arena::{Arena, load};
use crate::service::{Service, client};

const MH: Kind = Kind::MaglevHash {
    fallback: false,
    port: true,
};

proptest! {
    #[test]
    fn decode_gives_back_what_was_built(
        kind in kinds(),
        overhead in overheads(),
        first in lists(),
        second in lists(),
        cursor: u64,
    ) {
        let before = build(kind, overhead, &first, None).unwrap();
        prop_assert_eq!(decode(&before).unwrap(), decoded(kind, overhead, &first));
        let record = build(kind, overhead, &second, Some((&before, cursor))).unwrap();
        prop_assert_eq!(decode(&record).unwrap(), decoded(kind, overhead, &second));
        prop_assert_eq!(record_len(record[0]) as usize, record.len());
    }

    #[test]
    fn no_words_make_a_pick_or_a_decode_panic(
        kind in kinds(),
        list in lists(),
        damage in vec((any::<prop::sample::Index>(), words()), 0..6),
        cursor: u64,
        flow in flows(),
    ) {
        let mut record = build(kind, Overhead::Inactive, &list, None).unwrap();
        for (place, word) in damage {
            let place = place.index(record.len());
            record[place] = word;
        }
        survive(kind, &list, &record, cursor, &flow);
    }

    #[test]
    fn no_noise_makes_a_pick_or_a_decode_panic(
        kind in kinds(),
        list in lists(),
        mut noise in vec(words(), 0..64),
        cursor: u64,
        flow in flows(),
    ) {
        survive(kind, &list, &noise, cursor, &flow);
        let len = noise.len() as u64;
        if let Some(header) = noise.first_mut() {
            *header = *header & 0xffff_ffff | len << 32;
        }
        survive(kind, &list, &noise, cursor, &flow);
    }

    #[test]
    fn wlc_picks_the_first_of_the_least_loaded(
        list in lists(),
        live in vec((0..2000_u32, 0..2000_u32), 64),
    ) {
        let mut service = Service::new(Kind::WeightedLeastConnection);
        service.list = list;
        service.rebuild();
        service.arena.live = live.into_iter().map(load).collect();
        let weighed = |entry: &&Entry| {
            let load = service.arena.live[entry.destination as usize];
            Weighed {
                connections: u128::from(load.active) * 256 + u128::from(load.inactive),
                weight: u128::from(entry.weight),
            }
        };
        let usable = service.list.iter().filter(|entry| entry.eligible && entry.weight > 0);
        let least = usable.min_by(|a, b| weighed(a).compare(&weighed(b)));
        let picked = service.pick(&client("10.0.0.1", 0));
        prop_assert_eq!(picked, least.map(|entry| entry.destination));
    }

    #[test]
    fn stateless_chooses_a_usable_destination_if_there_is_one(
        kind in kinds(),
        list in lists(),
        flow in flows(),
    ) {
        let mut service = Service::new(kind);
        service.list = list;
        service.rebuild();
        // Heavy destinations take all buckets of sh from those behind them, but all slots of mh only from thousands.
        let eligible = || service.list.iter().filter(|entry| entry.eligible);
        let buckets: u64 = eligible().map(|entry| u64::from(entry.weight.max(1))).sum();
        prop_assume!(buckets <= 256 || !matches!(kind, Kind::SourceHash { .. }));

        let usable: Vec<u32> = eligible()
            .filter(|entry| entry.weight > 0)
            .map(|entry| entry.destination)
            .collect();
        match service.stateless(&flow) {
            Some(chosen) => prop_assert!(usable.contains(&chosen)),
            None => prop_assert!(usable.is_empty()),
        }
    }

    #[test]
    fn stateless_agrees_with_sh_and_mh_where_they_choose(
        fallback: bool,
        port: bool,
        list in lists(),
        flow in flows(),
    ) {
        for kind in [Kind::SourceHash { fallback, port }, Kind::MaglevHash { fallback, port }] {
            let mut service = Service::new(kind);
            service.list.clone_from(&list);
            service.rebuild();
            let picked = service.pick(&flow);
            prop_assert!(picked.is_none() || picked == service.stateless(&flow));
        }
    }

    #[test]
    fn stateless_does_not_depend_on_the_order_of_the_list(
        mut list in lists(),
        weights in vec(1..100_u32, 64),
        hash: u32,
    ) {
        for entry in &mut list {
            entry.weight = weights[entry.destination as usize];
        }
        let flow = Flow { hash, ..client("10.0.0.1", 0) };
        let mut service = Service::new(Kind::RoundRobin);
        service.list.clone_from(&list);
        service.rebuild();
        let chosen = service.stateless(&flow);
        service.list.reverse();
        service.rebuild();
        prop_assert_eq!(service.stateless(&flow), chosen);
    }
}

/// Lists of up to 40 destinations with numbers below 64.
fn lists() -> impl Strategy<Value = Vec<Entry>> {
    let weight = prop_oneof![0..4_u32, 0..100_u32, Just(i32::MAX as u32)];
    let entries = vec((weight, prop::bool::weighted(0.8), any::<bool>()), 0..40);
    let numbers = Just((1..64).collect::<Vec<u32>>()).prop_shuffle();
    (entries, numbers).prop_map(|(entries, numbers)| {
        let entry = |((weight, eligible, limited), destination): ((u32, bool, bool), u32)| Entry {
            destination,
            weight,
            eligible,
            limited,
            ..real_server(destination)
        };
        entries.into_iter().zip(numbers).map(entry).collect()
    })
}

fn real_server(destination: u32) -> Entry {
    Entry {
        destination,
        weight: 1,
        eligible: true,
        limited: false,
        address: IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + destination)),
        port: 80,
    }
}

fn flows() -> impl Strategy<Value = Flow> {
    any::<(u32, u16, u32, [u64; 2], u32, u32, u32)>().prop_map(
        |(client, client_port, vip, vip_words, service, tick, hash)| Flow {
            client,
            client_port,
            vip,
            vip_words,
            service,
            tick,
            hash,
        },
    )
}

/// Words of any size, many of them small.
fn words() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(word, shift)| word >> shift)
}

fn decoded(kind: Kind, overhead: Overhead, list: &[Entry]) -> Decoded {
    let seen = |entry: &Entry| DecodedEntry {
        destination: entry.destination,
        weight: entry.weight,
        eligible: entry.eligible,
        limited: entry.limited,
    };
    Decoded {
        kind,
        overhead,
        list: list.iter().map(seen).collect(),
    }
}

fn survive(kind: Kind, list: &[Entry], words: &[u64], cursor: u64, flow: &Flow) {
    let mut arena = Arena::default();
    arena.live = vec![load((1, 1)); 64];
    arena.publish(words);
    for record in [Arena::RECORD, u32::MAX] {
        pick(&arena, record, flow);
        stateless(&arena, record, flow);
    }
    dray_sched::slots(words);
    let readable = decode(words).is_ok();
    let built = build(kind, Overhead::Total, list, Some((words, cursor)));
    assert_eq!(built.is_ok(), readable);
}

struct Weighed {
    connections: u128,
    weight: u128,
}

impl Weighed {
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        (self.connections * other.weight).cmp(&(other.connections * self.weight))
    }
}

#[test]
fn a_period_of_wrr_gives_everyone_its_weight() {
    let weights = [65535, 3, 21845, 0, 60000];
    let mut service = Service::with(Kind::WeightedRoundRobin, &weights);
    let mut counts = [0; 6];
    for _ in 0..weights.iter().sum::<u32>() {
        let picked = service.pick(&client("10.0.0.1", 0)).unwrap();
        counts[picked as usize] += 1;
    }
    assert_eq!(counts[1..], weights);
    // And the next period begins with the same lap: the last is the one that takes everyone.
    assert_eq!(service.picks(4), "ECBA");
    service.rebuild();
    assert_eq!(service.picks(4), "ECBA");
}

#[test]
fn wrr_finds_its_way_among_as_many_runs_as_there_can_be() {
    let mut service = Service::new(Kind::WeightedRoundRobin);
    service.list = (1..=4096)
        .map(|n| Entry {
            weight: n,
            ..real_server(n)
        })
        .collect();
    service.rebuild();
    // The first lap takes all, the next one, at the greatest weight, only that one; then two, and so on.
    let picks = || service.pick(&client("10.0.0.1", 0)).unwrap();
    assert!((1..=4096).all(|n| picks() == n));
    for lap in 1..=60 {
        let taken: Vec<u32> = (0..lap).map(|_| picks()).collect();
        let heaviest: Vec<u32> = (4097 - lap..=4096).collect();
        assert_eq!(taken, heaviest);
    }
}

#[test]
fn mh_moves_few_clients_of_the_others_when_one_of_eight_is_removed() {
    let mut service = Service::new(MH);
    service.list = (1..=8).map(real_server).collect();
    service.rebuild();
    let clients: Vec<Flow> = (0..4000).map(|n| client("192.0.2.1", n)).collect();
    let before: Vec<_> = clients.iter().map(|flow| service.pick(flow)).collect();
    service.delete(5);
    let after: Vec<_> = clients.iter().map(|flow| service.pick(flow)).collect();
    let (kept, others) = kept(&before, &after, 5);
    assert!(kept < others, "a Maglev table moves some");
    assert!(kept * 100 >= others * 97, "{kept} of {others} stayed");
}

#[test]
fn stateless_shares_follow_the_weights() {
    for count in [1, 2, 5, 12, 50, 200] {
        let mut service = Service::new(Kind::RoundRobin);
        let weight = |n: u32| 1 + n * n % 17;
        service.list = (1..=count)
            .map(|n| Entry {
                weight: weight(n),
                ..real_server(n)
            })
            .collect();
        service.rebuild();
        let choices = slots(&service);
        let total: u32 = (1..=count).map(weight).sum();
        for n in 1..=count {
            let share = choices.iter().filter(|choice| **choice == Some(n)).count() as f64;
            let ideal = choices.len() as f64 * f64::from(weight(n)) / f64::from(total);
            assert!(
                (share - ideal).abs() < 2.0,
                "{n} of {count}: {share}, not {ideal:.1}"
            );
        }
    }
}

#[test]
fn stateless_rounds_a_share_to_the_nearest_slot() {
    for (weights, slots_of_b) in [([300, 1], 1), ([700, 1], 0), ([100, 1], 2)] {
        let service = Service::with(Kind::WeightedLeastConnection, &weights);
        let of_b = slots(&service)
            .iter()
            .filter(|choice| **choice == Some(2))
            .count();
        assert_eq!(of_b, slots_of_b, "{weights:?}");
    }
}

#[test]
fn stateless_moves_few_flows_of_the_others_when_one_goes() {
    for count in [2, 5, 6, 12, 25, 50, 100, 200] {
        let mut service = Service::new(Kind::RoundRobin);
        service.list = (1..=count).map(real_server).collect();
        service.rebuild();
        let before = slots(&service);
        let (mut stayed, mut others) = (0, 0);
        for gone in 1..=count {
            service.edit(gone, |entry| entry.eligible = false);
            let after = slots(&service);
            service.edit(gone, |entry| entry.eligible = true);
            let (kept, of) = kept(&before, &after, gone);
            stayed += kept;
            others += of;
        }
        assert!(
            stayed * 100 >= others * 95,
            "{count}: {stayed} of {others} stayed"
        );
    }
}

#[test]
fn the_slots_of_a_record_are_what_picks_find_in_them() {
    for count in [1, 3, 7] {
        let mut service = Service::new(Kind::RoundRobin);
        service.list = (1..=count).map(real_server).collect();
        service.rebuild();
        let (record, _) = service.arena.record().unwrap();
        assert_eq!(dray_sched::slots(&record), slots(&service), "{count}");

        service.reschedule(Kind::DestinationHash);
        let (record, _) = service.arena.record().unwrap();
        let dealt: Vec<_> = (1..=count).map(Some).cycle().take(256).collect();
        assert_eq!(dray_sched::slots(&record), dealt);
    }
    let empty = Service::with(Kind::DestinationHash, &[]);
    assert_eq!(empty.arena.record(), None);
    let nobody = build(Kind::DestinationHash, Overhead::Total, &[], None).unwrap();
    assert_eq!(dray_sched::slots(&nobody), [None; 256]);
    assert_eq!(dray_sched::slots(&nobody[..1]), []);
}

/// What `stateless` chooses for as many hashes as the table has slots, and so for each slot once.
fn slots(service: &Service) -> Vec<Option<u32>> {
    let (record, _) = service.arena.record().unwrap();
    let choice = |hash| {
        let flow = Flow {
            hash,
            ..client("10.0.0.1", 0)
        };
        service.stateless(&flow)
    };
    (0..record[1] as u32).map(choice).collect()
}

/// Of the flows that were not on `gone`: how many stayed where they were, and how many there are.
fn kept(before: &[Option<u32>], after: &[Option<u32>], gone: u32) -> (usize, usize) {
    let others = before
        .iter()
        .zip(after)
        .filter(|(before, _)| **before != Some(gone));
    (
        others
            .clone()
            .filter(|(before, after)| before == after)
            .count(),
        others.count(),
    )
}
