//! What is not opened, says why, and stays as it was.

use std::fs;

use aya::maps::{Array, Map, MapData};
use dray_abi::maps;
use dray_dataplane::{Opened, Options, lab, open};
use dray_model::{DataPlane as _, Mac};
use dray_testkit::eventually;

use super::{LARGER, packets, refusal};
use crate::common::world::*;

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
