//! Choices worked out by an independent model of IPVS's rules.

use std::hash::Hasher;

use dray_sched::{Flow, Kind, Overhead};
use siphasher::sip::SipHasher13;

use crate::arena::load;
use crate::service::{Service, client, entry, fold, name, number};

const SH: Kind = Kind::SourceHash {
    fallback: false,
    port: false,
};
const SH_PORT: Kind = Kind::SourceHash {
    fallback: false,
    port: true,
};
const SH_FALLBACK: Kind = Kind::SourceHash {
    fallback: true,
    port: false,
};
const MH: Kind = Kind::MaglevHash {
    fallback: false,
    port: false,
};
const MH_PORT: Kind = Kind::MaglevHash {
    fallback: false,
    port: true,
};
const MH_FALLBACK: Kind = Kind::MaglevHash {
    fallback: true,
    port: false,
};

#[test]
fn rr_goes_round_from_the_newest_to_the_oldest() {
    assert_eq!(
        Service::with(Kind::RoundRobin, &[1, 1, 1]).picks(7),
        "CBACBAC"
    );
}

#[test]
fn wrr_interleaves_by_weight() {
    for (weights, picks) in [
        (&[1, 1, 1][..], "CBACBA"),
        (&[3, 2, 1], "CBAABACBAABACB"),
        (&[4, 2], "BAABAA"),
        (&[1, 2, 3], "CBACCBCBACCB"),
        (&[5, 0, 10], "CACCACCAC"),
        (&[10, 4, 6], "CBAAACACBACBAAACACBA"),
    ] {
        let service = Service::with(Kind::WeightedRoundRobin, weights);
        assert_eq!(service.picks(picks.len()), picks, "{weights:?}");
    }
}

#[test]
fn wrr_has_long_runs_of_a_heavy_destination() {
    let service = Service::with(Kind::WeightedRoundRobin, &[100, 1]);
    let picks = service.picks(202);
    let period = format!("B{}", "A".repeat(100));
    assert_eq!(picks, period.repeat(2));
}

#[test]
fn wrr_starts_over_after_an_edit_that_changes_nothing() {
    let mut service = Service::with(Kind::WeightedRoundRobin, &[3, 1]);
    assert_eq!(service.picks(5), "BAAAB");
    service.rebuild();
    assert_eq!(service.picks(8), "BAAABAAA");
}

#[test]
fn wrr_given_to_a_service_starts_at_the_greatest_weight() {
    let mut service = Service::with(Kind::RoundRobin, &[3, 2, 1]);
    service.reschedule(Kind::WeightedRoundRobin);
    assert_eq!(service.picks(6), "ABACBA");
}

#[test]
fn wrr_passes_over_the_overloaded_and_goes_on_where_a_failed_pick_has_left_it() {
    let mut service = Service::with(Kind::WeightedRoundRobin, &[2, 1]);
    service.arena.live = vec![load((0, 0)); 3];
    for name in ['A', 'B'] {
        service.edit(number(name), |entry| entry.limited = true);
    }
    let overload = |service: &mut Service, name, overloaded| {
        service.arena.live[number(name) as usize].overloaded = overloaded;
    };
    overload(&mut service, 'A', true);
    overload(&mut service, 'B', true);
    assert_eq!(service.picks(1), "-");
    overload(&mut service, 'A', false);
    assert_eq!(service.picks(5), "AAAAA");
    // The walk stands at the end of the lap that takes A alone.
    overload(&mut service, 'B', false);
    assert_eq!(service.picks(6), "BAABAA");
}

#[test]
fn rr_goes_on_behind_the_last_one_whether_or_not_there_are_thresholds() {
    let mut service = Service::with(Kind::RoundRobin, &[1, 1, 1]);
    service.arena.live = vec![load((0, 0)); 4];
    assert_eq!(service.picks(2), "CB");
    service.edit(number('C'), |c| c.limited = true);
    assert_eq!(service.picks(2), "AC");
    service.arena.live[number('B') as usize].overloaded = true;
    service.edit(number('B'), |b| b.limited = true);
    assert_eq!(service.picks(3), "ACA");
    service.arena.live = vec![load((0, 0)); 4];
    for name in ['B', 'C'] {
        service.edit(number(name), |entry| entry.limited = false);
    }
    assert_eq!(service.picks(4), "CBAC");
}

#[test]
fn dh_gives_the_known_destinations_to_vips() {
    let service = Service::with(Kind::DestinationHash, &[1, 1, 1]);
    for (vip, picked) in [
        ("10.0.0.100", 'A'),
        ("10.0.0.101", 'C'),
        ("10.0.0.102", 'B'),
        ("198.51.100.7", 'C'),
    ] {
        let flow = Flow {
            vip: fold(vip.parse().unwrap()),
            ..client("10.0.0.1", 0)
        };
        assert_eq!(name(service.pick(&flow)), picked, "{vip}");
    }
}

#[test]
fn an_active_connection_weighs_256_or_257() {
    let mut service = Service::with(Kind::LeastConnection, &[1, 1]);
    service.arena.live = [(0, 0), (0, 257), (1, 0)].map(load).to_vec();
    assert_eq!(service.picks(1), "B");
    service.overhead = Overhead::Total;
    service.rebuild();
    // Both weigh 257, and B is the newer one.
    assert_eq!(service.picks(1), "B");
    service.arena.live = [(0, 0), (0, 256), (1, 0)].map(load).to_vec();
    assert_eq!(service.picks(1), "A");
    service.overhead = Overhead::Inactive;
    service.rebuild();
    assert_eq!(service.picks(1), "B");
}

#[test]
fn the_kernels_sums_wrap_at_8_388_608_active_connections() {
    let mut service = Service::with(Kind::LeastConnection, &[1, 1]);
    service.arena.live = [(0, 0), (1, 0), (1 << 23, 0)].map(load).to_vec();
    assert_eq!(service.picks(1), "A", "lc has numbers without a sign");
    service.reschedule(Kind::WeightedLeastConnection);
    assert_eq!(service.picks(1), "B", "for wlc it is less than nothing");
}

#[test]
fn sh_chooses_the_known_destinations() {
    let mut service = Service::with(SH, &[3, 2, 1]);
    for client_address in ["192.168.1.100", "203.0.113.77", "10.0.0.1"] {
        let picked = service.pick(&client(client_address, 40000));
        assert_eq!(name(picked), 'A', "{client_address}");
    }
    service.reschedule(SH_PORT);
    for (client_address, picked) in [
        ("192.168.1.100", 'B'),
        ("203.0.113.77", 'A'),
        ("10.0.0.1", 'A'),
    ] {
        let flow = client(client_address, 40000);
        assert_eq!(name(service.pick(&flow)), picked, "{client_address}");
    }
}

#[test]
fn sh_deals_its_buckets_out_by_weight() {
    let weighted = buckets(&Service::with(SH, &[3, 2, 1]));
    assert!(weighted.starts_with("CBBAAACBBAAA"), "{weighted}");
    let count = |name| weighted.matches(name).count();
    assert_eq!((count('A'), count('B'), count('C')), (127, 86, 43));
}

#[test]
fn sh_refuses_the_clients_of_a_quiesced_destination() {
    let buckets = buckets(&Service::with(SH, &[1, 0, 1]));
    assert!(buckets.starts_with("C-AC-AC-A"), "{buckets}");
    assert_eq!(buckets.matches('-').count(), 85);
}

#[test]
fn sh_fallback_probes_from_twice_the_bucket_on() {
    // List C, B, A: bucket i belongs to the i-th modulo 3, C A A A… with A quiesced at bucket 89 of 192.168.1.100.
    let mut service = Service::with(SH_FALLBACK, &[1, 1, 1]);
    let flow = client("192.168.1.100", 0);
    assert_eq!(name(service.pick(&flow)), 'A');
    service.edit(number('A'), |a| a.weight = 0);
    // Bucket 178 is B's (178 = 3 * 59 + 1); the next one after 89 would be C's.
    assert_eq!(name(service.pick(&flow)), 'B');
    service.edit(number('B'), |b| b.weight = 0);
    assert_eq!(name(service.pick(&flow)), 'C');
    service.edit(number('C'), |c| c.weight = 0);
    assert_eq!(service.pick(&flow), None);
}

/// Who owns each bucket of `sh`, by the clients that reach it.
fn buckets(service: &Service) -> String {
    let mut owners = vec![None; 256];
    for address in 0..4096_u32 {
        let bucket = address.wrapping_mul(0x61c8_8647) >> 24;
        let flow = dray_sched::Flow {
            client: address,
            ..client("0.0.0.0", 0)
        };
        owners[bucket as usize] = Some(name(service.pick(&flow)));
    }
    owners
        .into_iter()
        .map(|owner| owner.expect("a client for each bucket"))
        .collect()
}

#[test]
fn mh_chooses_the_known_destinations() {
    let mut service = Service::with(MH, &[1, 1, 1]);
    for (client_address, picked) in [
        ("192.168.1.100", 'B'),
        ("192.168.1.101", 'A'),
        ("203.0.113.77", 'B'),
        ("10.0.0.1", 'B'),
        ("10.0.0.2", 'C'),
        ("172.16.5.9", 'A'),
    ] {
        let flow = client(client_address, 12345);
        assert_eq!(name(service.pick(&flow)), picked, "{client_address}");
    }
    service.reschedule(MH_PORT);
    for (client_address, picked) in [
        ("192.168.1.100", 'C'),
        ("192.168.1.101", 'A'),
        ("203.0.113.77", 'B'),
        ("10.0.0.1", 'C'),
        ("10.0.0.2", 'B'),
        ("172.16.5.9", 'C'),
    ] {
        let flow = client(client_address, 12345);
        assert_eq!(
            name(service.pick(&flow)),
            picked,
            "{client_address} with port"
        );
    }
}

#[test]
fn mh_has_no_place_for_a_destination_that_never_had_a_weight() {
    let mut service = Service::with(MH, &[1, 0]);
    let clients: Vec<_> = (0..500)
        .map(|n| client(&format!("192.0.2.{}", n % 250), n))
        .collect();
    assert!(clients.iter().all(|flow| name(service.pick(flow)) == 'A'));
    service.edit(number('A'), |a| a.weight = 0);
    assert!(clients.iter().all(|flow| service.pick(flow).is_none()));
}

#[test]
fn mh_refuses_the_clients_of_a_quiesced_destination_and_moves_no_other() {
    let mut service = Service::with(MH, &[1, 1, 1]);
    let clients: Vec<_> = (1..=250)
        .map(|n| client(&format!("198.51.100.{n}"), 0))
        .collect();
    let before: Vec<_> = clients.iter().map(|flow| service.pick(flow)).collect();
    service.edit(number('B'), |b| b.weight = 0);
    for (flow, before) in clients.iter().zip(&before) {
        let expected = before.filter(|destination| *destination != number('B'));
        assert_eq!(service.pick(flow), expected);
    }
    service.edit(number('B'), |b| b.weight = 7);
    service.edit(number('B'), |b| b.weight = 1);
    let after: Vec<_> = clients.iter().map(|flow| service.pick(flow)).collect();
    assert_eq!(after, before);
}

#[test]
fn mh_fallback_hashes_anew_until_a_destination_takes_the_client() {
    assert_eq!(
        mh_probes("192.168.1.100").take(5).collect::<Vec<_>>(),
        [1341, 2215, 2066, 2646, 1532]
    );
    let slots = mh_slots(&Service::with(MH, &[1, 1, 1]));
    let mut service = Service::with(MH_FALLBACK, &[1, 1, 1]);
    for quiesced in ["", "B", "AB", "ABC"] {
        for name in quiesced.chars() {
            service.edit(number(name), |entry| entry.weight = 0);
        }
        for host in 1..255 {
            let address = format!("198.51.100.{host}");
            let mut owners = mh_probes(&address).map(|slot| slots[slot]);
            let expected = owners.find(|owner| !quiesced.contains(*owner));
            let picked = service.pick(&client(&address, 0));
            assert_eq!(picked, expected.map(number), "{address}");
        }
    }
}

/// The slots that IPVS looks into for a client: its own, and then those of `mh-fallback`.
fn mh_probes(address: &str) -> impl Iterator<Item = usize> {
    let client = client(address, 0).client;
    let slot = move |offset: u32| {
        let mut hash = SipHasher13::new_with_keys(2_654_435_761, 2_654_435_761);
        hash.write(&client.wrapping_add(offset).to_le_bytes());
        hash.finish() as u32 % 4093
    };
    let own = slot(0);
    let others = (0..4093).map(move |probe| slot((own + probe) % 4093));
    std::iter::once(own).chain(others).map(|slot| slot as usize)
}

#[test]
fn mh_fills_its_table_as_the_kernel() {
    let slots = mh_slots(&Service::with(MH, &[1, 1, 1]));
    assert_eq!(slots[..12].iter().collect::<String>(), "BCCABBAACBBA");
    assert_eq!(shares(&slots), [1364, 1364, 1365]);
    let bytes: Vec<u8> = slots.iter().map(|slot| *slot as u8).collect();
    assert_eq!(crc32(&bytes), 0xd214_d3dc);

    let slots = mh_slots(&Service::with(MH, &[3, 2, 1]));
    assert_eq!(slots[..16].iter().collect::<String>(), "BAAABBAACBBAABBB");
    assert_eq!(shares(&slots), [2046, 1364, 683]);

    let slots = mh_slots(&Service::with(MH, &[1000, 1]));
    assert_eq!(shares(&slots), [4028, 65, 0]);
}

/// Who owns each slot of `mh`, read from the end of the record.
fn mh_slots(service: &Service) -> Vec<char> {
    let (words, _) = service.arena.record().unwrap();
    let table = &words[words.len() - 4093_usize.div_ceil(4)..];
    (0..4093)
        .map(|slot| {
            let position = (table[slot / 4] >> (slot % 4 * 16)) as u16;
            name(Some(service.list[usize::from(position)].destination))
        })
        .collect()
}

fn shares(slots: &[char]) -> [usize; 3] {
    ['A', 'B', 'C'].map(|name| slots.iter().filter(|slot| **slot == name).count())
}

/// CRC-32 as of zip and Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let carry = if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            crc >> 1 ^ carry
        })
    })
}

#[test]
fn wlc_prefers_the_least_connections_for_the_weight_and_then_the_newest() {
    let mut service = Service::with(Kind::WeightedLeastConnection, &[2, 1, 0, 1]);
    for (a, b, c, d, picked) in [
        ((0, 0), (0, 0), (0, 0), (0, 0), 'D'),
        ((0, 0), (0, 0), (0, 0), (0, 1), 'B'),
        ((0, 1), (0, 1), (0, 0), (0, 1), 'A'),
        ((2, 0), (1, 0), (0, 0), (1, 0), 'D'),
        ((1, 255), (1, 0), (0, 0), (1, 0), 'A'),
        ((1, 256), (1, 0), (0, 0), (1, 0), 'D'),
        ((9, 0), (4, 255), (0, 0), (5, 0), 'A'),
        ((9, 0), (4, 127), (0, 0), (5, 0), 'B'),
    ] {
        service.arena.live = [(0, 0), a, b, c, d].map(load).to_vec();
        let picked_now = name(service.pick(&client("10.0.0.1", 0)));
        assert_eq!(picked_now, picked, "{:?}", service.arena.live);
    }
}

#[test]
fn nothing_is_picked_where_nothing_can_be() {
    let kinds = [
        Kind::RoundRobin,
        Kind::WeightedRoundRobin,
        Kind::LeastConnection,
        Kind::WeightedLeastConnection,
        Kind::ShortestExpectedDelay,
        Kind::NeverQueue,
        Kind::LocalityBased,
        Kind::LocalityBasedReplicated,
        Kind::DestinationHash,
        SH_FALLBACK,
        MH_FALLBACK,
        Kind::Failover,
        Kind::Overflow,
        Kind::PowerOfTwo,
    ];
    for kind in kinds {
        for weights in [&[][..], &[0], &[0, 0]] {
            let mut service = Service::with(kind, weights);
            service.arena.live = vec![load((0, 0)); 3];
            service.rebuild();
            let flow = client("10.0.0.1", 0);
            assert_eq!(service.pick(&flow), None, "{kind:?} {weights:?}");
            assert_eq!(service.stateless(&flow), None, "{kind:?} {weights:?}");
        }
        let mut service = Service::with(kind, &[1]);
        service.edit(number('A'), |a| a.eligible = false);
        assert_eq!(service.picks(1), "-", "{kind:?} with no neighbour known");
        service.add(entry('B', 1));
        service.arena.live = vec![load((0, 0)); 3];
        assert_eq!(service.picks(2), "BB", "{kind:?}");
    }
}
