//! Tunnels that no director sent: whoever could make them get in would be past every filter on the way.

use std::net::{IpAddr, SocketAddr};

use dray_lab::{Family, Lab, Topology, VirtualService};
use dray_testkit::frames::{Frame, TcpFlags};
use rustix::net::{AddressFamily, Protocol, SendFlags, SocketType, ipproto, sendto, socket};

use super::tunnels::unpack_tunnels;
use crate::site::{assert_served, start, vip};

#[test]
fn a_real_server_drops_tunnels_from_anybody_but_its_director() {
    const FORGED: u64 = 10;
    let lab = Lab::up(Topology::one_arm(1).named("spoofed")).unwrap();
    lab.serve_http(80).unwrap();
    unpack_tunnels(&lab);
    let director = lab.director(0);
    let web = Family::BOTH.map(|family| {
        let web = VirtualService::tcp(&format!("web-{family:?}"), family, 80);
        web.forward("tun").weights(&[1])
    });
    let config = web.into_iter();
    start(
        director,
        config.fold(director.config(), |config, web| config.service(web)),
    );
    for family in Family::BOTH {
        for _ in 0..FORGED {
            forge(&lab, family);
        }
        // What the director sends behind them arrives, so they have as well.
        let web = lab.client(0).http(vip(&lab, 0, family, 80));
        assert_served(&web.run().unwrap());
    }
    let counts = lab.real_server(0).stop_unpacking().unwrap();
    let packets = |reason: &str| {
        let counts = counts.as_array().unwrap().iter();
        let mut found = counts.filter(|count| count["reason"] == reason);
        found.next().unwrap()["packets"].as_u64().unwrap()
    };
    assert_eq!(packets("spoofed"), 2 * FORGED, "{counts}");
    // SYN, ACK, request, and more, of each family.
    assert!(packets("decapsulated") >= 2 * 3, "{counts}");
    assert_eq!(packets("damaged"), 0, "{counts}");
}

/// Sends the real server a tunnel's packet from the client: a SYN that claims to be from somebody else.
fn forge(lab: &Lab, family: Family) {
    let (somebody, domain, protocol): (IpAddr, AddressFamily, Protocol) = match family {
        Family::V4 => ([10, 77, 0, 66].into(), AddressFamily::INET, ipproto::IPIP),
        Family::V6 => (
            [0xfd77, 0, 0, 0, 0, 0, 0, 0x66].into(),
            AddressFamily::INET6,
            ipproto::IPV6,
        ),
    };
    let syn = Frame::tcp(SocketAddr::new(somebody, 4_711), vip(lab, 0, family, 80));
    let syn = syn.flags(TcpFlags::SYN);
    let packet = syn.bytes().split_off(syn.network_offset());
    let to = SocketAddr::new(lab.topology().real_server(0, family), 0);
    let client = lab.client(0).namespace();
    client
        .run(|| {
            let socket = socket(domain, SocketType::RAW, Some(protocol))?;
            sendto(&socket, &packet, SendFlags::empty(), &to)?;
            Ok(())
        })
        .unwrap();
}
