//! Which virtual service a packet without a connection is for, in IPVS's order: its mark's, that of its address and port,
//! FTP's for what may be a data connection, that of every port.

use dray_abi::{ServiceKey, Settings};
use dray_packet::TransportProtocol;

use crate::{constants, guest::Guest, maps, marks};

/// FTP's control connections go to this port.
pub(crate) const FTP: u16 = 21;

/// And its data connections come from this one.
pub(crate) const FTP_DATA: u16 = 20;

/// Ports from here on may be passive FTP's (the kernel's `ip_unprivileged_port_start`).
const UNPRIVILEGED: u16 = 1024;

/// What a VIP's entry in the map of services has for a protocol.
const VIP: u8 = 255;

/// How a service was found.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// The service's number.
    pub(crate) number: u32,
    /// The mark that it is for; 0 for none.
    pub(crate) mark: u32,
    /// Whose port the service has.
    pub(crate) port: ServicePort,
}

/// Whose port a service has.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServicePort {
    /// The packet's own.
    Own,
    /// FTP's; the packet's, which is another, may be that of a data connection.
    Ftp,
    /// None: it is for every port.
    Any,
}

/// The service of a packet.
#[inline(always)]
pub(crate) fn find(guest: &Guest, settings: &Settings) -> Option<Way> {
    let mark = marks::of(guest, settings.rules, constants::port());
    if mark != 0
        && let Some(number) = look(&ServiceKey::of_mark(mark, guest.family))
    {
        let port = ServicePort::Any;
        return Some(Way { number, mark, port });
    }
    let [_, own_port] = guest.ports;
    let mut key = ServiceKey {
        vip: bytes(guest.flow.vip_words),
        port: own_port,
        protocol: guest.protocol,
        mark_family: 0,
    };
    let way = |number, port| {
        let mark = 0;
        Some(Way { number, mark, port })
    };
    if let Some(number) = look(&key) {
        return way(number, ServicePort::Own);
    }
    let port = guest.service_port();
    if settings.options & Settings::FTP_SERVICES != 0
        && guest.is(TransportProtocol::Tcp)
        && (port == FTP_DATA || port >= UNPRIVILEGED)
    {
        key.port = FTP.to_be_bytes();
        if let Some(number) = look(&key) {
            return way(number, ServicePort::Ftp);
        }
    }
    if settings.options & Settings::ANY_PORT_SERVICES != 0 {
        key.port = [0; 2];
        if let Some(number) = look(&key) {
            return way(number, ServicePort::Any);
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

/// The address that those words are.
#[inline(always)]
fn bytes([first, second]: [u64; 2]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h] = first.to_le_bytes();
    let [i, j, k, l, m, n, o, p] = second.to_le_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

#[inline(always)]
fn look(key: &ServiceKey) -> Option<u32> {
    // SAFETY: a service's number never changes while packets can find it.
    unsafe { maps::SERVICE_INDEX.get(key) }.copied()
}
