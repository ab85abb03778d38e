//! A world of a test's own: a network namespace with a cable in it, and a bpffs.

use std::{fs, net::UdpSocket, path::PathBuf, process::Command, thread};

use dray_dataplane::{Capacity, KernelDataPlane, Opened, Options, open};
use dray_model::{
    Action, ActualDestination, DataPlane as _, DestinationId, Forward, Hop, HopId, Mac, NextHop,
    Record, Rewrite, ServiceAddress, ServiceId, ServiceOptions, Thresholds,
};
use dray_sched::{Entry, Kind, Overhead};
use dray_testkit::eventually;
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

use super::service;

/// What every world's `eth0` has for an address.
pub const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
/// The service that [`populate`] makes and [`World::send`] sends to.
pub const DNS: &str = "udp://10.0.0.100:53";
/// Where the world's files are: on a file system that no other thread sees.
const ROOT: &str = "/mnt";

pub const CAPACITY: Capacity = Capacity {
    connections: 64,
    translations: 64,
    services: 8,
    destinations: 16,
    words: 4096,
    hops: 16,
};

/// The thread that holds it is in it, and when that ends, however it does, the kernel takes away all of it:
/// interfaces, mounts, pins and what was pinned.
pub struct World(());

impl World {
    /// Runs a test in a new world, which has a cable from `eth0` to `far0` and a bpffs.
    pub fn run(test: impl FnOnce(&Self) + Send) {
        let body = || {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
                .expect("namespaces of its own (root needed)");
            let none: Option<&str> = None;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
                .expect("private mounts");
            mount(Some("tmpfs"), ROOT, Some("tmpfs"), MsFlags::empty(), none).expect("a tmpfs");
            let world = Self(());
            world.add_cable("eth0", OWN, "far0");
            world.lead_to_vip(OWN, "far0", "192.0.2.1", 100);
            test(&world);
        };
        if let Err(panic) = thread::scope(|scope| scope.spawn(body).join()) {
            std::panic::resume_unwind(panic);
        }
    }

    /// What a daemon opens its data plane with.
    pub fn options(&self) -> Options {
        Options {
            bpffs: self.bpffs(),
            interfaces: vec!["eth0".to_owned()],
            owner: "/run/dray".to_owned(),
            capacity: CAPACITY,
        }
    }

    /// Where the bpffs is.
    pub fn bpffs(&self) -> PathBuf {
        [ROOT, "bpf"].iter().collect()
    }

    /// Where this version's pins are.
    pub fn pins(&self) -> PathBuf {
        self.bpffs().join(format!("v{}", dray_abi::ABI_VERSION))
    }

    /// Opens the data plane as a daemon does that starts.
    pub fn open(&self) -> (KernelDataPlane, Opened) {
        open(&self.options()).expect("a data plane")
    }

    /// Two interfaces with a cable between them, both up.
    pub fn add_cable(&self, name: &str, mac: Mac, far: &str) {
        self.ip(&format!(
            "link add {name} address {mac} type veth peer name {far}"
        ));
        self.ip(&format!("link set {name} up"));
        self.ip(&format!("link set {far} up"));
    }

    /// Gives the cable's far end this address, and makes what is sent from there to the VIP go through the
    /// cable.
    pub fn lead_to_vip(&self, mac: Mac, far: &str, from: &str, table: u32) {
        self.ip(&format!("addr add {from}/24 dev {far}"));
        self.ip(&format!("rule add from {from} lookup {table}"));
        self.ip(&format!("route add 10.0.0.100/32 dev {far} table {table}"));
        self.ip(&format!(
            "neigh add 10.0.0.100 lladdr {mac} dev {far} nud permanent"
        ));
    }

    /// Ends the link of the only port, as if it had never been made.
    pub fn cut(&self, name: &str) {
        fs::remove_file(self.pins().join("link_0")).expect("a pinned link");
        // The kernel ends it in its own time.
        eventually!(!self.has_xdp(name));
    }

    /// The kernel's number for an interface.
    pub fn index(&self, name: &str) -> u32 {
        nix::net::if_::if_nametoindex(name).expect("an interface")
    }

    /// Whether an interface has an XDP program.
    pub fn has_xdp(&self, name: &str) -> bool {
        self.ip(&format!("link show {name}")).contains("xdp")
    }

    /// Sends datagrams to the service, of one client, into the far end of the cable.
    pub fn send(&self, datagrams: usize) {
        let socket = UdpSocket::bind("192.0.2.1:4000").expect("a socket");
        for _ in 0..datagrams {
            socket
                .send_to(b"query", "10.0.0.100:53")
                .expect("the way to the VIP");
        }
    }

    pub fn ip(&self, arguments: &str) -> String {
        let output = Command::new("ip")
            .args(arguments.split_whitespace())
            .output()
            .expect("iproute2");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {arguments}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Gives a data plane one service with two real servers, both reached by this interface.
pub fn populate(plane: &mut KernelDataPlane, interface: u32) {
    for number in 1..=2 {
        add_destination(plane, number, interface);
    }
    publish(plane, service(DNS), &[2, 1]);
}

pub fn add_destination(plane: &mut KernelDataPlane, number: u32, interface: u32) {
    let real = [10, 0, 0, number as u8].into();
    let mac = Mac([2, 1, 0, 0, 0, number as u8]);
    let hop = hop(mac, interface);
    let destination = destination(real, Some(HopId(number)));
    apply(
        plane,
        Action::WriteHop {
            id: HopId(number),
            hop,
        },
    );
    apply(
        plane,
        Action::AddDestination {
            id: DestinationId(number),
            destination,
        },
    );
}

/// A next hop by this interface.
pub fn hop(destination: Mac, interface: u32) -> Hop {
    let next = NextHop {
        interface,
        vlan: None,
        source: OWN,
        destination,
        mtu: 1500,
    };
    Hop {
        next,
        mtu: next.mtu,
        mss: None,
        rewrite: Rewrite::None,
    }
}

/// A destination of the service.
pub fn destination(real: std::net::IpAddr, hop: Option<HopId>) -> ActualDestination {
    ActualDestination {
        service: service(DNS).into(),
        real,
        port: 53,
        forward: Forward::DirectRouting,
        hop,
        weight: 1,
        thresholds: Thresholds::default(),
        available: true,
        local: false,
    }
}

/// Publishes a service that gives to these destinations by turns.
pub fn publish(plane: &mut KernelDataPlane, address: ServiceAddress, destinations: &[u32]) {
    let entry = |destination: &u32| Entry {
        destination: *destination,
        weight: 1,
        eligible: true,
        limited: false,
        address: [10, 0, 0, *destination as u8].into(),
        port: address.port,
    };
    let list: Vec<Entry> = destinations.iter().map(entry).collect();
    let record = dray_sched::build(Kind::RoundRobin, Overhead::Total, &list, None);
    let record = Record(record.expect("a record"));
    apply(
        plane,
        Action::Publish {
            id: ServiceId(0),
            service: address.into(),
            options: ServiceOptions::default(),
            record,
        },
    );
}

pub fn apply(plane: &mut KernelDataPlane, action: Action) {
    plane
        .apply(&action)
        .unwrap_or_else(|error| panic!("{action}: {error}"));
}
