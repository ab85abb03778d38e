//! Which virtual service a packet without a connection is for, in IPVS's order: its mark's, that of its address and port,
//! FTP's for what may be a data connection, that of every port.

use dray_abi::{Port, ServiceKey, Settings};
use dray_packet::TransportProtocol;

use crate::{constants, family::Packet, maps, marks};

/// FTP's control connections go to this port.
pub(crate) const FTP: u16 = 21;

/// And its data connections come from this one.
pub(crate) const FTP_DATA: u16 = 20;

/// Ports from here on may be passive FTP's (the kernel's `ip_unprivileged_port_start`).
const UNPRIVILEGED: u16 = 1024;

/// What a VIP's entry in the map of services has for a protocol.
const VIP: u8 = 255;

/// How a service was found.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// The service's number.
    pub(crate) number: u32,
    /// The mark that it is for; 0 for none.
    pub(crate) mark: u32,
    /// Whether it is for the packet's own port.
    pub(crate) exact: bool,
    /// Whether it is FTP's, and the packet for another port.
    pub(crate) ftp_data: bool,
}

/// The service of a packet.
#[inline(always)]
pub(crate) fn find<P: Packet>(packet: &P, port: &Port) -> Option<Way> {
    let settings = &port.settings;
    let mark = marks::of(packet, settings.rules, constants::port());
    if mark != 0
        && let Some(number) = look(&ServiceKey::of_mark(mark, P::FAMILY))
    {
        return Some(Way {
            number,
            mark,
            exact: false,
            ftp_data: false,
        });
    }
    let [_, service_port] = packet.ports();
    let mut key = ServiceKey {
        vip: packet.vip(),
        port: service_port,
        protocol: packet.protocol().number(),
        mark_family: 0,
    };
    let mut way = Way {
        number: 0,
        mark: 0,
        exact: true,
        ftp_data: false,
    };
    if let Some(number) = look(&key) {
        way.number = number;
        return Some(way);
    }
    way.exact = false;
    let number = u16::from_be_bytes(service_port);
    if settings.options & Settings::FTP_SERVICES != 0
        && packet.protocol() == TransportProtocol::Tcp
        && (number == FTP_DATA || number >= UNPRIVILEGED)
    {
        key.port = FTP.to_be_bytes();
        if let Some(number) = look(&key) {
            way.number = number;
            way.ftp_data = true;
            return Some(way);
        }
    }
    if settings.options & Settings::ANY_PORT_SERVICES != 0 {
        key.port = [0; 2];
        if let Some(number) = look(&key) {
            way.number = number;
            return Some(way);
        }
    }
    None
}

/// Whether some service has this VIP (IPv4 as IPv4-mapped IPv6).
#[inline(always)]
pub(crate) fn is_vip(address: [u8; 16]) -> bool {
    look(&ServiceKey {
        vip: address,
        port: [0; 2],
        protocol: VIP,
        mark_family: 0,
    })
    .is_some()
}

/// A mark as templates have it in the VIP's place.
#[inline(always)]
pub(crate) fn mark_words(mark: u32) -> [u64; 2] {
    words(ServiceKey::mapped(mark.to_be_bytes()))
}

/// The two words that an address is in memory.
#[inline(always)]
pub(crate) fn words(address: [u8; 16]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = address;
    [
        u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        u64::from_le_bytes([i, j, k, l, m, n, o, p]),
    ]
}

#[inline(always)]
fn look(key: &ServiceKey) -> Option<u32> {
    // SAFETY: a service's number never changes while packets can find it.
    unsafe { maps::SERVICE_INDEX.get(key) }.copied()
}
