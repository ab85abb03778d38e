//! Found again by the next daemon, whole.

use std::fs;

use aya::maps::{Array, HashMap, Map, MapData};
use dray_abi::maps;
use dray_dataplane::{Capacity, Opened, Options, open};
use dray_model::{Action, DataPlane as _, DestinationId, ServiceId, ServiceOptions};
use dray_testkit::eventually;

use super::{LARGER, connections, packets};
use crate::common::{service, world::*};

#[test]
fn a_data_plane_goes_on_without_its_daemon_and_the_next_one_finds_all_of_it() {
    World::run(|world| {
        let (mut first, how) = world.open();
        assert_eq!(how, Opened::Fresh);
        populate(&mut first, world.index("eth0"));
        first.set_policy(&Default::default());
        world.send(10);
        eventually!(packets(&first) == 10);
        let applied = first.observe().unwrap();
        assert_eq!(
            (
                applied.services.len(),
                applied.destinations.len(),
                applied.hops.len()
            ),
            (1, 2, 2)
        );
        let listed = connections(&first);
        assert_eq!(listed.len(), 1);
        drop(first);

        assert!(world.has_xdp("eth0"));
        world.send(20);

        let (mut second, how) = world.open();
        assert_eq!(how, Opened::Adopted);
        assert_eq!(second.observe().unwrap(), applied);
        eventually!(packets(&second) == 30, "{} packets", packets(&second));
        assert_eq!(second.cursor(ServiceId(0)), 1);
        assert_eq!(second.live(DestinationId(2)).inactive, 1);
        assert_eq!(second.counters(DestinationId(2)).connections, 1);
        let again = connections(&second);
        assert_eq!(
            (again.len(), again[0].client, again[0].destination),
            (1, listed[0].client, listed[0].destination)
        );
        // However long ago its last packet was, its first one was longer ago.
        assert!(
            (again[0].expires + again[0].age).as_secs() > 290,
            "the timeouts are still there: {again:?}"
        );
        world.send(5);
        eventually!(packets(&second) == 35);
    });
}

#[test]
fn an_adopted_data_plane_is_changed_without_harm_to_what_was_there() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        let (mut plane, _) = world.open();
        plane.set_policy(&Default::default());
        let before = plane.observe().unwrap();
        world.send(1);
        eventually!(packets(&plane) == 1);

        add_destination(&mut plane, 3, world.index("eth0"));
        let other = service("udp://10.0.0.101:53");
        let record = before.services[&service(DNS).into()].record.clone();
        apply(
            &mut plane,
            Action::Publish {
                id: ServiceId(1),
                service: other.into(),
                options: ServiceOptions::default(),
                record: record.clone(),
            },
        );
        // More records than the arena holds at a time: old ones are used again, live ones never.
        for round in 0..200_u32 {
            publish(
                &mut plane,
                service(DNS),
                &[3, 2, 1][..1 + round as usize % 3],
            );
        }
        let after = plane.observe().unwrap();
        assert_eq!(after.services[&other.into()].record, record);
        assert_eq!(after.destinations.len(), 3);
        world.send(4);
        eventually!(packets(&plane) == 5);
        assert_eq!(
            plane.counters(DestinationId(2)).packets,
            5,
            "the connection stays"
        );
        drop(plane);
        assert_eq!(world.open().0.observe().unwrap(), after);
    });
}

#[test]
fn an_adopted_data_plane_knows_which_vips_have_services() {
    World::run(|world| {
        let vip = |world: &World| {
            let index = MapData::from_pin(world.pins().join(maps::SERVICE_INDEX)).unwrap();
            let index: HashMap<_, [u8; 20], u32> = Map::HashMap(index).try_into().unwrap();
            let mut key = [0; 20];
            key[10..16].copy_from_slice(&[0xff, 0xff, 10, 0, 0, 100]);
            // No protocol has this number.
            key[18] = 255;
            index.get(&key, 0).ok()
        };
        populate(&mut world.open().0, world.index("eth0"));
        assert_eq!(vip(world), Some(u32::MAX));
        let (mut plane, _) = world.open();
        let record = plane.observe().unwrap().services[&service(DNS).into()]
            .record
            .clone();
        let other = service("tcp://10.0.0.100:53").into();
        apply(
            &mut plane,
            Action::Publish {
                id: ServiceId(1),
                service: other,
                options: ServiceOptions::default(),
                record,
            },
        );
        apply(
            &mut plane,
            Action::Withdraw {
                id: ServiceId(0),
                service: service(DNS).into(),
            },
        );
        assert_eq!(vip(world), Some(u32::MAX), "it has another service");
        let (mut plane, _) = world.open();
        plane.observe().unwrap();
        apply(
            &mut plane,
            Action::Withdraw {
                id: ServiceId(1),
                service: other,
            },
        );
        assert_eq!(vip(world), None);
        assert_eq!(plane.observe().unwrap().services.len(), 0);
    });
}

#[test]
fn what_an_interrupted_first_start_left_is_made_anew() {
    World::run(|world| {
        // Pinned, but not yet written: the identity is written last.
        drop(world.open());
        world.cut("eth0");
        let pinned = MapData::from_pin(world.pins().join(maps::IDENTITY)).unwrap();
        const WORDS: usize = size_of::<dray_abi::Identity>();
        let mut identity: Array<_, [u8; WORDS]> = Map::Array(pinned).try_into().unwrap();
        identity.set(0, [0; WORDS], 0).unwrap();
        // By then the configuration has changed.
        let larger = Options {
            capacity: LARGER,
            ..world.options()
        };
        for how in [Opened::Fresh, Opened::Adopted] {
            assert_eq!(open(&larger).unwrap().1, how);
        }

        // Interrupted before that map was even there.
        world.cut("eth0");
        for name in [maps::IDENTITY, maps::LIVE, maps::HOPS] {
            fs::remove_file(world.pins().join(name)).unwrap();
        }
        let (mut plane, how) = world.open();
        assert_eq!(how, Opened::Fresh);
        assert_eq!(plane.observe().unwrap(), Default::default());
        drop(plane);
        assert_eq!(world.open().1, Opened::Adopted);
    });
}

#[test]
fn the_size_of_a_running_data_plane_stays_what_it_is() {
    World::run(|world| {
        drop(world.open());
        let larger = Options {
            capacity: Capacity {
                connections: 1000,
                hops: 999,
                ..CAPACITY
            },
            ..world.options()
        };
        let (plane, how) = open(&larger).unwrap();
        assert_eq!((how, plane.max_connections()), (Opened::Adopted, 64));
    });
}
