//! The data plane outlives its daemon: opened on real interfaces, pinned, left alone, and found again.

mod common;

use std::fs;

use aya::{
    maps::{Array, HashMap, Map, MapData},
    programs::links::PinnedLink,
};
use common::{service, world::*};
use dray_abi::maps;
use dray_dataplane::{Capacity, KernelDataPlane, Opened, Options, lab, open, withdraw};
use dray_model::{
    Action, Connection, DataPlane as _, DestinationId, HopId, Mac, ServiceId, ServiceOptions,
    XdpMode,
};
use dray_testkit::eventually;

/// Every map that has a size to choose is larger with this one.
const LARGER: Capacity = Capacity {
    connections: 128,
    translations: 64,
    services: 16,
    destinations: 32,
    words: 8192,
    hops: 32,
};

/// What a data plane that could not be opened says, with its causes.
fn refusal(options: &Options) -> String {
    let Err(error) = open(options) else {
        panic!("it was opened")
    };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn packets(plane: &KernelDataPlane) -> u64 {
    (1..16)
        .map(|number| plane.counters(DestinationId(number)).packets)
        .sum()
}

fn connections(plane: &KernelDataPlane) -> Vec<Connection> {
    plane.connections(&|_| true, usize::MAX)
}

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
fn an_interface_that_was_made_anew_under_the_same_number_is_attached_to_again() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        let index = world.index("eth0");
        world.ip("link del eth0");
        world.ip(&format!(
            "link add eth0 index {index} address {OWN} type veth peer name far0"
        ));
        world.ip("link set eth0 up");
        world.ip("link set far0 up");
        assert!(!world.has_xdp("eth0"), "the pinned link is dead");
        assert_eq!(world.open().1, Opened::Adopted);
        assert!(world.has_xdp("eth0"));
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
fn a_map_that_something_else_put_there_is_refused_by_name_and_nothing_is_lost() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        // A second data plane beside it, of other sizes, has maps to mix up.
        world.add_cable("eth1", Mac([2, 0, 0, 0, 0, 2]), "far1");
        let beside = Options {
            bpffs: world.bpffs().join("beside"),
            interfaces: vec!["eth1".to_owned()],
            capacity: LARGER,
            ..world.options()
        };
        drop(open(&beside).unwrap());
        let theirs = beside.bpffs.join(world.pins().file_name().unwrap());
        for name in [
            maps::CONNECTIONS4,
            maps::CONNECTIONS6,
            maps::TEMPLATES,
            maps::SERVICE_INDEX,
            maps::SERVICES,
            maps::RECORDS,
            maps::DESTINATIONS,
            maps::DESTINATION_INFO,
            maps::LIVE,
            maps::COUNTERS,
            maps::HOPS,
        ] {
            let (path, spare) = (world.pins().join(name), world.bpffs().join("spare"));
            fs::rename(&path, &spare).unwrap();
            let text = refusal(&world.options());
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            fs::rename(theirs.join(name), &path).unwrap();
            let text = refusal(&world.options());
            assert!(
                text.contains(path.to_str().unwrap()) && text.contains("entries"),
                "{text}"
            );
            assert!(text.contains("dray stop --withdraw"), "{text}");
            fs::rename(&path, theirs.join(name)).unwrap();
            fs::rename(&spare, &path).unwrap();
        }
        world.send(7);
        let (mut plane, how) = world.open();
        assert_eq!(
            (how, plane.observe().unwrap().destinations.len()),
            (Opened::Adopted, 2)
        );
        eventually!(packets(&plane) == 7);
    });
}

#[test]
fn maps_that_make_no_sense_are_told_apart_from_an_empty_data_plane() {
    World::run(|world| {
        let (mut plane, _) = world.open();
        populate(&mut plane, world.index("eth0"));
        let pinned = MapData::from_pin(world.pins().join(maps::SERVICES)).unwrap();
        let mut services: Array<_, [u64; 4]> = Map::Array(pinned).try_into().unwrap();
        let whole = services.get(&0, 0).unwrap();
        for record in [0, u64::from(CAPACITY.words), u64::MAX] {
            services.set(0, [record, 0, 0, 0], 0).unwrap();
            let error = plane.observe().unwrap_err().to_string();
            assert!(
                error.contains(DNS) && error.contains("not whole"),
                "{error}"
            );
        }
        services.set(0, whole, 0).unwrap();
        assert_eq!(plane.observe().unwrap().services.len(), 1);
    });
}

#[test]
fn a_running_data_plane_of_another_version_is_refused() {
    World::run(|world| {
        drop(world.open());
        let other = world.bpffs().join("v999");
        fs::create_dir(&other).unwrap();
        fs::rename(world.pins().join("link_0"), other.join("link_0")).unwrap();
        let text = refusal(&world.options());
        assert!(text.contains("ABI version 999"), "{text}");
        assert!(
            text.contains(&format!("version {}", dray_abi::ABI_VERSION)),
            "{text}"
        );
        assert!(text.contains("dray stop --withdraw"), "{text}");
        assert!(world.has_xdp("eth0"), "it goes on");

        // Without a link it forwards nothing, and is in nobody's way.
        fs::remove_file(other.join("link_0")).unwrap();
        eventually!(!world.has_xdp("eth0"));
        assert_eq!(world.open().1, Opened::Adopted);
    });
}

#[test]
fn a_data_plane_of_another_daemon_is_refused() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        let other = Options {
            owner: "/run/dray-two".to_owned(),
            ..world.options()
        };
        let text = refusal(&other);
        assert!(
            text.contains("another runtime directory") && text.contains("--bpffs"),
            "{text}"
        );
        world.send(3);
        let (plane, how) = world.open();
        assert_eq!(how, Opened::Adopted);
        eventually!(packets(&plane) == 3);
    });
}

#[test]
fn two_daemons_with_a_directory_each_do_not_meet() {
    World::run(|world| {
        world.add_cable("eth1", Mac([2, 0, 0, 0, 0, 2]), "far1");
        let beside = Options {
            bpffs: world.bpffs().join("beside"),
            interfaces: vec!["eth1".to_owned()],
            owner: "/run/dray-two".to_owned(),
            ..world.options()
        };
        let (mut one, _) = world.open();
        let (mut two, how) = open(&beside).unwrap();
        assert_eq!(how, Opened::Fresh);
        populate(&mut one, world.index("eth0"));
        assert_eq!(two.observe().unwrap(), Default::default());
        assert_eq!(
            (&*one.interfaces()[0].name, &*two.interfaces()[0].name),
            ("eth0", "eth1")
        );
        drop((one, two));
        assert!(withdraw(&beside.bpffs).unwrap());
        assert!(world.has_xdp("eth0") && !world.has_xdp("eth1"));
        assert_eq!(world.open().1, Opened::Adopted);
    });
}

#[test]
fn withdrawal_leaves_nothing_and_says_whether_there_was_something() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        assert!(withdraw(&world.bpffs()).unwrap());
        assert!(!world.has_xdp("eth0"));
        assert!(!world.pins().exists());
        assert!(!withdraw(&world.bpffs()).unwrap());
        let (mut plane, how) = world.open();
        assert_eq!(
            (how, plane.observe().unwrap()),
            (Opened::Fresh, Default::default())
        );
    });
}

#[test]
fn withdrawal_detaches_at_once_whoever_else_holds_the_link() {
    World::run(|world| {
        drop(world.open());
        let held = PinnedLink::from_pin(world.pins().join("link_0")).unwrap();
        assert!(withdraw(&world.bpffs()).unwrap());
        assert!(!world.has_xdp("eth0"));
        assert_eq!(world.open().1, Opened::Fresh);
        drop(held);
        assert!(world.has_xdp("eth0"));
    });
}

#[test]
fn withdrawing_where_nothing_ever_was_is_no_error() {
    World::run(|world| {
        assert!(!withdraw(&world.bpffs()).unwrap());
        assert!(!world.bpffs().exists());
    });
}

#[test]
fn an_unknown_interface_is_refused_with_those_that_there_are() {
    World::run(|world| {
        let options = Options {
            interfaces: vec!["eth0".to_owned(), "eht1".to_owned()],
            ..world.options()
        };
        let text = refusal(&options);
        assert!(
            text.contains("`eht1`") && text.contains("eth0") && text.contains("far0"),
            "{text}"
        );
        assert!(
            !world.has_xdp("eth0") && !world.bpffs().exists(),
            "nothing was touched"
        );
    });
}

#[test]
fn a_directory_that_can_be_no_bpffs_is_refused() {
    World::run(|world| {
        let bpffs = world.bpffs();
        fs::write(&bpffs, "a file").unwrap();
        let text = refusal(&world.options());
        assert!(
            text.contains(bpffs.to_str().unwrap()) && text.contains("bpffs"),
            "{text}"
        );
        assert!(!world.has_xdp("eth0"));
    });
}

#[test]
fn an_interface_with_somebody_elses_program_is_refused_and_says_what_to_do() {
    World::run(|world| {
        let theirs = lab::attach_pass(world.index("eth0")).unwrap();
        let text = refusal(&world.options());
        assert!(
            text.contains("eth0") && text.contains("another XDP program"),
            "{text}"
        );
        assert!(world.has_xdp("eth0"), "theirs stays");
        drop(theirs);
        world.open();
        assert!(world.has_xdp("eth0"));
    });
}

#[test]
fn an_interface_that_came_back_is_a_port_again() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        world.ip("link delete eth0");
        world.add_cable("eth0", OWN, "far0");
        world.lead_to_vip(OWN, "far0", "192.0.2.1", 101);
        let (mut plane, how) = world.open();
        assert_eq!(how, Opened::Adopted);
        assert!(world.has_xdp("eth0"));
        // Its next hops named the interface that is gone.
        let eth0 = world.index("eth0");
        for number in 1..=2 {
            let mac = Mac([2, 1, 0, 0, 0, number as u8]);
            let hop = hop(mac, eth0);
            apply(
                &mut plane,
                Action::WriteHop {
                    id: HopId(number + 2),
                    hop,
                },
            );
            apply(
                &mut plane,
                Action::SetDestination {
                    id: DestinationId(number),
                    destination: destination(
                        [10, 0, 0, number as u8].into(),
                        Some(HopId(number + 2)),
                    ),
                },
            );
        }
        world.send(6);
        eventually!(packets(&plane) == 6);
        assert_eq!(count(&plane, "no-next-hop"), 0);
    });
}

#[test]
fn a_packet_for_an_interface_that_is_gone_is_dropped_and_says_why() {
    World::run(|world| {
        world.add_cable("eth1", Mac([2, 0, 0, 0, 0, 2]), "far1");
        let both = Options {
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            ..world.options()
        };
        let (mut plane, _) = open(&both).unwrap();
        populate(&mut plane, world.index("eth1"));
        world.send(3);
        eventually!(packets(&plane) == 3);
        assert_eq!(count(&plane, "no-next-hop"), 0);
        world.ip("link delete eth1");
        world.send(3);
        eventually!(count(&plane, "no-next-hop") == 3);
    });
}

#[test]
fn an_interface_that_is_no_port_any_more_is_let_go() {
    World::run(|world| {
        world.add_cable("eth1", Mac([2, 0, 0, 0, 0, 2]), "far1");
        let both = Options {
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            ..world.options()
        };
        let (plane, _) = open(&both).unwrap();
        let status: Vec<_> = plane
            .interfaces()
            .into_iter()
            .map(|port| (port.name, port.index, port.mode))
            .collect();
        let native = |name: &str| (name.to_owned(), world.index(name), XdpMode::Native);
        assert_eq!(status, [native("eth0"), native("eth1")]);
        drop(plane);
        let (plane, how) = world.open();
        assert_eq!((how, plane.interfaces().len()), (Opened::Adopted, 1));
        assert!(world.has_xdp("eth0") && !world.has_xdp("eth1"));
    });
}

#[test]
fn an_interface_without_native_xdp_is_used_by_the_generic_one() {
    World::run(|world| {
        world.ip("link add br0 type bridge");
        let bridge = Options {
            interfaces: vec!["br0".to_owned()],
            ..world.options()
        };
        for how in [Opened::Fresh, Opened::Adopted] {
            let (plane, opened) = open(&bridge).unwrap();
            assert_eq!(
                (opened, plane.interfaces()[0].mode),
                (how, XdpMode::Generic)
            );
        }
    });
}

#[test]
fn an_interface_may_change_its_address() {
    World::run(|world| {
        let (mut plane, _) = world.open();
        populate(&mut plane, world.index("eth0"));
        plane.set_policy(&Default::default());
        world.send(2);
        eventually!(packets(&plane) == 2);
        world.ip("link set eth0 address 02:00:00:00:00:77");
        world.ip("neigh replace 10.0.0.100 lladdr 02:00:00:00:00:77 dev far0 nud permanent");
        plane.sweep(1);
        world.send(2);
        eventually!(packets(&plane) == 4);
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

fn count(plane: &KernelDataPlane, reason: &str) -> u64 {
    let found = plane
        .reasons()
        .into_iter()
        .find(|count| count.name == reason);
    found.expect("a reason").packets
}
