//! Between the model's types and the maps' layouts.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use dray_abi::{ServiceKey, TICK_SHIFT};
use dray_model::{Protocol, ServiceAddress, Timeouts, Verdict};
use dray_packet::tcp::State;

/// The key that packets look the service up by.
pub(crate) fn service_key(address: &ServiceAddress) -> ServiceKey {
    ServiceKey {
        vip: address_bytes(address.vip),
        port: address.port.to_be_bytes(),
        protocol: address.protocol.number(),
        reserved: 0,
    }
}

/// The service of a key; `None` if it is none of ours.
pub(crate) fn service_address(key: &ServiceKey) -> Option<ServiceAddress> {
    Some(ServiceAddress {
        protocol: Protocol::from_number(key.protocol)?,
        vip: address(key.vip),
        port: u16::from_be_bytes(key.port),
    })
}

/// What becomes of a packet, in the model's words.
pub(crate) fn verdict(verdict: dray_abi::Verdict) -> Verdict {
    match verdict {
        dray_abi::Verdict::Pass => Verdict::Pass,
        dray_abi::Verdict::Drop => Verdict::Drop,
        dray_abi::Verdict::Forward => Verdict::Forward,
    }
}

/// Sixteen bytes, IPv4 as IPv4-mapped IPv6.
pub(crate) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The address of sixteen such bytes.
pub(crate) fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

/// Client and service of an IPv4 connection's key.
pub(crate) fn endpoints4(key: &[u64; 2]) -> Option<(SocketAddr, ServiceAddress)> {
    let [a, b, c, d, e, f, g, h] = key[0].to_le_bytes();
    endpoints(
        Ipv4Addr::new(a, b, c, d).into(),
        Ipv4Addr::new(e, f, g, h).into(),
        key[1],
    )
}

/// Client and service of an IPv6 connection's key.
pub(crate) fn endpoints6(key: &[u64; 5]) -> Option<(SocketAddr, ServiceAddress)> {
    let whole = |high: u64, low: u64| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_le_bytes());
        bytes[8..].copy_from_slice(&low.to_le_bytes());
        IpAddr::from(bytes)
    };
    endpoints(whole(key[0], key[1]), whole(key[2], key[3]), key[4])
}

fn endpoints(client: IpAddr, vip: IpAddr, tail: u64) -> Option<(SocketAddr, ServiceAddress)> {
    let [a, b, c, d, protocol, ..] = tail.to_le_bytes();
    let service = ServiceAddress {
        protocol: Protocol::from_number(protocol)?,
        vip,
        port: u16::from_be_bytes([c, d]),
    };
    Some((SocketAddr::new(client, u16::from_be_bytes([a, b])), service))
}

/// Timeouts by state, in ticks: the three that can be set, and IPVS's for the others.
pub(crate) fn timeout_ticks(timeouts: &Timeouts) -> [u32; 16] {
    let mut ticks = [0; 16];
    for state in State::ALL {
        let timeout = match state {
            State::None => Duration::from_secs(2),
            State::Established => timeouts.tcp,
            State::FinWait => timeouts.tcp_fin,
            State::Udp => timeouts.udp,
            State::SynReceived | State::CloseWait => Duration::from_secs(60),
            State::Close => Duration::from_secs(10),
            State::LastAck => Duration::from_secs(30),
            State::SynSent | State::TimeWait | State::Listen | State::SynAck => {
                Duration::from_secs(120)
            }
        };
        ticks[state as usize] = (timeout.as_nanos() >> TICK_SHIFT)
            .try_into()
            .unwrap_or(u32::MAX >> 1);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_service_survives_the_way_into_a_key_and_back(vip: IpAddr, port in 1u16.., udp: bool) {
            let vip = address(address_bytes(vip));
            let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
            let service = ServiceAddress { protocol, vip, port };
            prop_assert_eq!(service_address(&service_key(&service)), Some(service));
        }
    }

    #[test]
    fn the_defaults_are_those_of_ipvs() {
        let ticks = timeout_ticks(&Timeouts::default());
        let seconds: Vec<u64> = ticks
            .iter()
            .map(|ticks| dray_abi::duration_of_ticks(*ticks).as_secs_f64().ceil() as u64)
            .collect();
        assert_eq!(
            seconds,
            [
                2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120, 300, 0, 0, 0, 0
            ]
        );
    }
}
