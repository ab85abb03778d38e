//! How a real server is reached: what its forwarding method makes of the way to it.
//!
//! ```text
//! way ────────────────┐
//! method, MSS, family ┼─ by ─▶ next hop: where frames go, the largest packet, what becomes of it before
//! tunnels' sources ───┘
//! ```

use std::{net::IpAddr, num::NonZeroU16};

use dray_model::{
    ActualDestination, ClientAddress, Director, Family, Forward, Hop, RealServer, Rewrite, Service,
    Tunnel, TunnelSource, Way,
};
use dray_packet::tunnel;

use crate::{snapshot::Ineligible, view};

/// How a real server of a service is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    real: IpAddr,
    forward: Forward,
    /// Whose packets are forwarded.
    clients: Family,
    mss: Option<NonZeroU16>,
    /// FULLNAT: the kind of the TCP option that tells the client's address.
    address_option: Option<u8>,
    /// The outer source that the operator wants of tunnels to it.
    source: Option<TunnelSource>,
}

impl Reach {
    /// What the operator wants.
    pub(crate) fn wanted(director: &Director, service: &Service, real: &RealServer) -> Self {
        Self {
            real: real.address,
            forward: real.forward,
            clients: service.identity.family(),
            mss: service.mss,
            address_option: match service.client_address {
                ClientAddress::Hidden => None,
                ClientAddress::TcpOption { kind } => Some(kind),
            },
            source: source(director, real.address),
        }
    }

    /// What a removed real server's connections go on with: all that its last next hop says.
    pub(crate) fn present(
        director: &Director,
        destination: &ActualDestination,
        hop: Option<Hop>,
    ) -> Self {
        Self {
            real: destination.real,
            forward: hop.map_or(destination.forward, |hop| method(hop.rewrite)),
            clients: destination.service.family(),
            mss: hop.and_then(|hop| hop.mss),
            address_option: match hop.map(|hop| hop.rewrite) {
                Some(Rewrite::FullNat { address_option, .. }) => address_option,
                _ => None,
            },
            source: source(director, destination.real),
        }
    }

    /// The next hop by this way, or why the method cannot take it.
    pub(super) fn by(&self, way: &Way) -> Result<Hop, Ineligible> {
        let hop = |mtu, rewrite| Hop {
            next: way.next,
            mtu,
            mss: self.mss,
            rewrite,
        };
        let real = self.real;
        let mtu = way.next.mtu;
        match self.forward {
            Forward::DirectRouting => match way.gateway {
                None => Ok(hop(mtu, Rewrite::None)),
                Some(gateway) => Err(Ineligible::BehindGateway { gateway }),
            },
            Forward::Tunnel(tunnel) => {
                let TunnelSource { address, spread } = self.tunnel_source(way)?;
                let rewrite = Rewrite::Tunnel {
                    real,
                    source: address,
                    spread,
                    tunnel,
                };
                Ok(hop(self.tunnel_mtu(tunnel, mtu)?, rewrite))
            }
            Forward::Nat => Ok(hop(
                mtu,
                Rewrite::Nat {
                    real,
                    shared: way.shared,
                },
            )),
            Forward::FullNat => Ok(hop(
                mtu,
                Rewrite::FullNat {
                    real,
                    address_option: self.address_option,
                },
            )),
        }
    }

    /// Whether the host's own stack can serve it. It could not turn the addresses of its replies back.
    pub(super) const fn by_host(&self) -> Result<(), Ineligible> {
        if self.forward.keeps_addresses() {
            Ok(())
        } else {
            Err(Ineligible::Translated {
                method: self.forward.name(),
            })
        }
    }

    /// The method of what is sent this way, which may be the last one's as long as its way is kept.
    pub(super) const fn method(&self, way: &view::Way) -> Forward {
        match way {
            view::Way::Local if self.forward.keeps_addresses() => self.forward,
            view::Way::Local => Forward::DirectRouting,
            view::Way::Hop(hop) if !self.suits(hop) => method(hop.rewrite),
            view::Way::Hop(_) | view::Way::Unknown => self.forward,
        }
    }

    /// Whether packets by this next hop undergo the method that is wanted, whatever its details.
    pub(super) const fn suits(&self, hop: &Hop) -> bool {
        matches!(
            (self.forward, hop.rewrite),
            (Forward::DirectRouting, Rewrite::None)
                | (Forward::Tunnel(_), Rewrite::Tunnel { .. })
                | (Forward::Nat, Rewrite::Nat { .. })
                | (Forward::FullNat, Rewrite::FullNat { .. })
        )
    }

    /// The operator's outer source, or the address that the host's own packets to the real server have.
    fn tunnel_source(&self, way: &Way) -> Result<TunnelSource, Ineligible> {
        let family = Family::of(self.real);
        let of_the_host = || {
            let address = way.source.filter(|own| Family::of(*own) == family)?;
            Some(TunnelSource { address, spread: 0 })
        };
        self.source
            .or_else(of_the_host)
            .ok_or(Ineligible::NoTunnelSource { family })
    }

    /// What a tunnel leaves of the MTU for a client's packet: at least what every link must carry (RFC 791, RFC 8200).
    fn tunnel_mtu(&self, tunnel: Tunnel, mtu: u32) -> Result<u32, Ineligible> {
        let least = match self.clients {
            Family::Ipv4 => 68,
            Family::Ipv6 => 1280,
        };
        let left = mtu.saturating_sub(overhead(tunnel, Family::of(self.real)));
        if left < least {
            Err(Ineligible::TunnelTooNarrow { mtu, left, least })
        } else {
            Ok(left)
        }
    }
}

fn source(director: &Director, real: IpAddr) -> Option<TunnelSource> {
    match real {
        IpAddr::V4(_) => director.tunnels.ipv4,
        IpAddr::V6(_) => director.tunnels.ipv6,
    }
}

const fn method(rewrite: Rewrite) -> Forward {
    match rewrite {
        Rewrite::None => Forward::DirectRouting,
        Rewrite::Tunnel { tunnel, .. } => Forward::Tunnel(tunnel),
        Rewrite::Nat { .. } => Forward::Nat,
        Rewrite::FullNat { .. } => Forward::FullNat,
    }
}

/// Bytes that a tunnel puts before a client's packet.
fn overhead(tunnel: Tunnel, outer: Family) -> u32 {
    let kind = match tunnel {
        Tunnel::IpIp => tunnel::Kind::Ipip,
        Tunnel::Gue { .. } => tunnel::Kind::Gue,
        Tunnel::Gre { .. } => tunnel::Kind::Gre,
    };
    let outer = match outer {
        Family::Ipv4 => tunnel::Family::Ipv4,
        Family::Ipv6 => tunnel::Family::Ipv6,
    };
    u32::try_from(tunnel::overhead(kind, tunnel.has_checksum(), outer))
        .expect("a tunnel's headers are a few dozen bytes")
}

#[cfg(test)]
mod tests {
    use dray_model::{Mac, NextHop, TunnelChecksum};

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn reach(real: &str, forward: Forward, clients: Family) -> Reach {
        Reach {
            real: ip(real),
            forward,
            clients,
            mss: None,
            address_option: None,
            source: None,
        }
    }

    fn way(mtu: u32) -> Way {
        Way {
            next: NextHop {
                interface: 1,
                vlan: None,
                source: Mac([2, 0, 0, 0, 0, 1]),
                destination: Mac([2, 0, 0, 0, 0, 9]),
                mtu,
            },
            gateway: None,
            source: Some(ip("10.0.0.1")),
            shared: Some(24),
        }
    }

    fn behind(gateway: &str) -> Way {
        Way {
            gateway: Some(ip(gateway)),
            shared: None,
            ..way(1500)
        }
    }

    #[test]
    fn only_direct_routing_needs_the_real_server_on_a_network_of_the_directors() {
        let by = |forward| {
            let reach = reach("10.9.0.2", forward, Family::Ipv4);
            reach.by(&behind("10.0.0.254")).map(|hop| hop.rewrite)
        };
        let gateway = ip("10.0.0.254");
        assert_eq!(
            by(Forward::DirectRouting),
            Err(Ineligible::BehindGateway { gateway })
        );
        let real = ip("10.9.0.2");
        assert_eq!(
            by(Forward::Tunnel(Tunnel::IpIp)),
            Ok(Rewrite::Tunnel {
                real,
                source: ip("10.0.0.1"),
                spread: 0,
                tunnel: Tunnel::IpIp
            })
        );
        assert_eq!(by(Forward::Nat), Ok(Rewrite::Nat { real, shared: None }));
        assert_eq!(
            by(Forward::FullNat),
            Ok(Rewrite::FullNat {
                real,
                address_option: None
            })
        );
    }

    #[test]
    fn a_tunnel_leaves_what_ipvs_says() {
        let checksum = TunnelChecksum::Full;
        let port = NonZeroU16::new(6080).unwrap();
        let plain = TunnelChecksum::None;
        for (name, tunnel, over_ipv4) in [
            ("IPIP", Tunnel::IpIp, 20),
            ("GRE", Tunnel::Gre { checksum: plain }, 24),
            ("GRE with checksum", Tunnel::Gre { checksum }, 28),
            (
                "GUE",
                Tunnel::Gue {
                    port,
                    checksum: plain,
                },
                32,
            ),
            ("GUE with checksum", Tunnel::Gue { port, checksum }, 32),
        ] {
            assert_eq!(overhead(tunnel, Family::Ipv4), over_ipv4, "{name}");
            assert_eq!(overhead(tunnel, Family::Ipv6), over_ipv4 + 20, "{name}");
            let reach = reach("10.0.0.9", Forward::Tunnel(tunnel), Family::Ipv4);
            assert_eq!(reach.by(&way(1400)).unwrap().mtu, 1400 - over_ipv4);
        }
    }

    #[test]
    fn a_tunnel_that_leaves_less_than_every_link_must_carry_is_none() {
        let ipip = Forward::Tunnel(Tunnel::IpIp);
        let left = |clients, mtu| {
            let reach = reach("10.0.0.9", ipip, clients);
            reach.by(&way(mtu)).map(|hop| hop.mtu)
        };
        let narrow = |mtu, left, least| Err(Ineligible::TunnelTooNarrow { mtu, left, least });
        assert_eq!(left(Family::Ipv4, 88), Ok(68));
        assert_eq!(left(Family::Ipv4, 87), narrow(87, 67, 68));
        assert_eq!(left(Family::Ipv4, 9), narrow(9, 0, 68));
        assert_eq!(left(Family::Ipv6, 1300), Ok(1280));
        assert_eq!(left(Family::Ipv6, 1299), narrow(1299, 1279, 1280));
    }

    #[test]
    fn the_outer_source_is_the_operators_or_the_hosts_of_the_real_servers_family() {
        let ipip = Forward::Tunnel(Tunnel::IpIp);
        let source_of = |reach: Reach| match reach.by(&way(1500))?.rewrite {
            Rewrite::Tunnel { source, spread, .. } => Ok((source, spread)),
            other => panic!("no tunnel: {other:?}"),
        };
        let to_ipv4 = reach("10.0.0.9", ipip, Family::Ipv6);
        assert_eq!(source_of(to_ipv4), Ok((ip("10.0.0.1"), 0)));
        let spread = TunnelSource {
            address: ip("10.64.0.0"),
            spread: 16,
        };
        let wanted = Reach {
            source: Some(spread),
            ..to_ipv4
        };
        assert_eq!(source_of(wanted), Ok((ip("10.64.0.0"), 16)));
        let family = Family::Ipv6;
        assert_eq!(
            source_of(reach("fd00::9", ipip, Family::Ipv4)),
            Err(Ineligible::NoTunnelSource { family })
        );
    }

    #[test]
    fn nat_knows_the_network_that_it_shares_with_the_real_server() {
        let reach = reach("10.0.0.9", Forward::Nat, Family::Ipv4);
        assert_eq!(
            reach.by(&way(1500)).unwrap().rewrite,
            Rewrite::Nat {
                real: ip("10.0.0.9"),
                shared: Some(24)
            }
        );
    }
}
