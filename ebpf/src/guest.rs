//! A packet without a connection, told the same for both families: what services, marks, templates and schedulers ask of it.

use dray_packet::TransportProtocol;
use dray_sched::Flow;

use crate::family::Packet;

/// A packet without a connection.
pub(crate) struct Guest {
    /// What a scheduler may know of it; the service's number is there once it is known.
    pub(crate) flow: Flow,
    /// The client's address as it lies in memory (IPv4 as IPv4-mapped IPv6).
    pub(crate) client: [u64; 2],
    /// Client port and service port, each as it lies in the packet.
    pub(crate) ports: [[u8; 2]; 2],
    /// The transport protocol's number.
    pub(crate) protocol: u8,
    /// 4 or 6.
    pub(crate) family: u8,
}

impl Guest {
    #[inline(always)]
    pub(crate) fn of<P: Packet>(packet: &P, tick: u32) -> Self {
        let ports = packet.ports();
        let [client_port, _] = ports;
        Self {
            flow: Flow {
                client: packet.client_number(),
                client_port: u16::from_be_bytes(client_port),
                hash: packet.flow_hash(),
                vip: packet.vip_number(),
                vip_words: packet.vip_words(),
                service: 0,
                tick,
            },
            client: packet.client_words(),
            ports,
            protocol: packet.protocol().number(),
            family: P::FAMILY,
        }
    }

    #[inline(always)]
    pub(crate) fn is(&self, protocol: TransportProtocol) -> bool {
        self.protocol == protocol.number()
    }

    /// The port that the packet goes to.
    #[inline(always)]
    pub(crate) fn service_port(&self) -> u16 {
        let [_, port] = self.ports;
        u16::from_be_bytes(port)
    }

    /// The client's address under a service's mask: a number for IPv4, a prefix length for IPv6.
    #[inline(always)]
    pub(crate) fn network(&self, mask: u32) -> [u64; 2] {
        let [high, low] = self.client;
        if self.family == 4 {
            let mask = (mask.to_be() as u64) << 32 | 0xffff_ffff;
            [high, low & mask]
        } else {
            let [kept_high, kept_low] = prefix(mask);
            [high & kept_high, low & kept_low]
        }
    }
}

/// The bits of a prefix, as they lie in memory.
#[inline(always)]
pub(crate) const fn prefix(length: u32) -> [u64; 2] {
    let rest = u64::MAX >> (length & 63);
    match length {
        0..64 => [(!rest).to_be(), 0],
        64..128 => [u64::MAX, (!rest).to_be()],
        _ => [u64::MAX, u64::MAX],
    }
}
