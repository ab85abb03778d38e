//! How packets reach a real server, and what they become on the way.

use std::net::IpAddr;

use dray_ipvsadm::Method;
use dray_model::{Hop, Rewrite, Tunnel, Way};
use dray_packet::tunnel::{self, Family, Kind};

/// All that packets for a real server need in order to leave; `None` for a tunnel that begins nowhere.
pub(super) fn hop(method: Method, real: IpAddr, way: &Way) -> Option<Hop> {
    let room = way.next.mtu;
    let (rewrite, mtu) = match method {
        Method::DirectRouting => (Rewrite::None, room),
        Method::Tunnel(tunnel) => {
            let rewrite = Rewrite::Tunnel {
                real,
                source: way.source?,
                spread: 0,
                tunnel,
            };
            (rewrite, room.saturating_sub(overhead(tunnel, real)))
        }
        Method::Nat => {
            let rewrite = Rewrite::Nat {
                real,
                shared: way.shared,
            };
            (rewrite, room)
        }
    };
    Some(Hop {
        next: way.next,
        mtu,
        mss: None,
        rewrite,
    })
}

/// Bytes that a tunnel puts before a packet.
fn overhead(tunnel: Tunnel, real: IpAddr) -> u32 {
    let kind = match tunnel {
        Tunnel::IpIp => Kind::Ipip,
        Tunnel::Gue { .. } => Kind::Gue,
        Tunnel::Gre { .. } => Kind::Gre,
    };
    let outer = match real {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    };
    tunnel::overhead(kind, tunnel.has_checksum(), outer) as u32
}

#[cfg(test)]
mod tests {
    use dray_model::{Mac, NextHop, TunnelChecksum};

    use super::*;

    fn room(method: Method, real: &str) -> u32 {
        let way = Way {
            next: NextHop {
                interface: 2,
                vlan: None,
                source: Mac([2, 0, 0, 0, 0, 3]),
                destination: Mac([2, 1, 0, 0, 0, 1]),
                mtu: 1500,
            },
            gateway: None,
            source: Some("10.254.0.1".parse().expect("an address")),
            shared: None,
        };
        let hop = super::hop(method, real.parse().expect("an address"), &way);
        hop.expect("a hop").mtu
    }

    #[test]
    fn a_tunnel_takes_its_headers_off_the_room() {
        let checksum = TunnelChecksum::Full;
        let port = std::num::NonZeroU16::new(6080).expect("a port");
        assert_eq!(room(Method::DirectRouting, "10.1.1.7"), 1500);
        assert_eq!(room(Method::Nat, "10.1.1.7"), 1500);
        assert_eq!(room(Method::Tunnel(Tunnel::IpIp), "10.1.1.7"), 1480);
        assert_eq!(room(Method::Tunnel(Tunnel::IpIp), "2001:db8::7"), 1460);
        let gre = |checksum| Method::Tunnel(Tunnel::Gre { checksum });
        assert_eq!(room(gre(TunnelChecksum::None), "10.1.1.7"), 1476);
        assert_eq!(room(gre(checksum), "10.1.1.7"), 1472);
        let gue = Method::Tunnel(Tunnel::Gue { port, checksum });
        assert_eq!(room(gue, "2001:db8::7"), 1448);
    }
}
