//! Taken away again.

use aya::programs::links::PinnedLink;
use dray_dataplane::{Opened, Options, open, withdraw};
use dray_model::{DataPlane as _, Mac};

use crate::common::world::*;

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
