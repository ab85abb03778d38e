//! Real servers, and how they are reached.

use std::net::{IpAddr, SocketAddr};

use dray_model::{Family, Forward, Hop, Mac, NextHop, Rewrite, Tunnel};

use super::{OTHER_PORT, OWN};

/// A real server of a service.
#[derive(Clone, Copy, Debug)]
pub struct Real {
    pub address: IpAddr,
    pub port: u16,
    pub weight: u32,
    pub forward: Forward,
    /// Its Ethernet address follows from the destination's number.
    pub hop: Hop,
}

impl Real {
    /// Reached directly, by interface 1.
    pub fn direct(address: IpAddr, port: u16) -> Self {
        Self::new(
            SocketAddr::new(address, port),
            Forward::DirectRouting,
            Rewrite::None,
        )
    }

    /// Reached by a tunnel from this address, which adds so many bytes.
    pub fn tunnel(address: &str, source: &str, tunnel: Tunnel, overhead: u32) -> Self {
        let real = address.parse().expect("an address");
        let rewrite = Rewrite::Tunnel {
            real,
            source: source.parse().expect("an address"),
            spread: 0,
            tunnel,
        };
        let mut this = Self::new(SocketAddr::new(real, 0), Forward::Tunnel(tunnel), rewrite);
        this.hop.mtu -= overhead;
        this
    }

    /// With its address in place of the VIP's: `ADDRESS:PORT`, port 0 for that of the connection.
    pub fn nat(address: &str) -> Self {
        let address: SocketAddr = address.parse().expect("an address and a port");
        let rewrite = Rewrite::Nat {
            real: address.ip(),
            shared: None,
        };
        Self::new(address, Forward::Nat, rewrite)
    }

    /// With an address of the director's in place of the client's, too: `ADDRESS:PORT`, likewise.
    pub fn fullnat(address: &str) -> Self {
        let address: SocketAddr = address.parse().expect("an address and a port");
        let rewrite = Rewrite::FullNat {
            real: address.ip(),
            address_option: None,
        };
        Self::new(address, Forward::FullNat, rewrite)
    }

    fn new(address: SocketAddr, forward: Forward, rewrite: Rewrite) -> Self {
        let mtu = u32::from(u16::MAX);
        Self {
            address: address.ip(),
            port: address.port(),
            weight: 1,
            forward,
            hop: Hop {
                next: next_hop(1, None, Mac([0; 6]), mtu),
                mtu,
                mss: None,
                rewrite,
            },
        }
    }

    /// The same by this interface and VLAN.
    pub fn by(mut self, interface: u32, vlan: Option<u16>) -> Self {
        let NextHop {
            destination, mtu, ..
        } = self.hop.next;
        self.hop.next = next_hop(interface, vlan, destination, mtu);
        self
    }

    /// The same with that weight.
    pub fn weight(self, weight: u32) -> Self {
        Self { weight, ..self }
    }
}

/// A next hop of a director with two ports.
pub fn next_hop(interface: u32, vlan: Option<u16>, destination: Mac, mtu: u32) -> NextHop {
    NextHop {
        interface,
        vlan,
        source: if interface == 1 { OWN } else { OTHER_PORT },
        destination,
        mtu,
    }
}

/// Direct routing by that next hop.
pub fn direct(next: NextHop) -> Hop {
    Hop {
        next,
        mtu: next.mtu,
        mss: None,
        rewrite: Rewrite::None,
    }
}

/// The address of the real server of that number.
pub fn real_address(family: Family, number: u32) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::from((0x0a01_0000 + number).to_be_bytes()),
        Family::Ipv6 => format!("fd00:1::{number:x}").parse().expect("an address"),
    }
}
