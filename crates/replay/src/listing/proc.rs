//! `/proc/net/ip_vs`, `/proc/net/ip_vs_conn` and `/proc/net/ip_vs_stats`.

use std::net::{IpAddr, Ipv6Addr};

use dray_ipvsadm::{Method, Netmask, snapshot::Connection};
use dray_model::ServiceIdentity;

use super::{Facts, SIZE};
use crate::ipvs::{Destination, Service};

/// Ticks of the kernel's clock in a second, on the machine of the recordings.
const HZ: u64 = 100;

/// `/proc/net/ip_vs`.
pub fn proc_services(facts: &Facts<'_>) -> String {
    let mut text = format!(
        "IP Virtual Server version 1.2.1 (size={SIZE})\n\
         Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
    );
    for service in facts.ipvs.services() {
        text += &entry(service);
        for destination in &service.list {
            text += &line(facts, destination);
        }
    }
    text
}

fn entry(service: &Service) -> String {
    let settings = &service.settings;
    let ops = if settings.one_packet { "ops " } else { "" };
    let scheduler = &settings.scheduler;
    let head = match service.identity {
        ServiceIdentity::Mark(mark) => format!("FWM  {:08X} {scheduler} {ops}", mark.number),
        ServiceIdentity::Address(address) => {
            let name = address.protocol.name().to_uppercase();
            match address.vip {
                IpAddr::V4(vip) => format!(
                    "{name}  {}:{:04X} {scheduler} {ops} ",
                    hex(vip.into()),
                    address.port
                ),
                IpAddr::V6(vip) => format!(
                    "{name}  [{}]:{:04X} {scheduler} ",
                    hex(vip.into()),
                    address.port
                ),
            }
        }
    };
    match settings.persistent {
        Some(seconds) => {
            let mask = match settings.netmask {
                Netmask::Ipv4(mask) => mask.to_bits(),
                // A plain number, of which the kernel swaps the bytes as if it were a mask.
                Netmask::Ipv6(length) => u32::from(length).swap_bytes(),
            };
            format!(
                "{head}persistent {} {mask:08X}\n",
                u64::from(seconds.get()) * HZ
            )
        }
        None => head + "\n",
    }
}

fn line(facts: &Facts<'_>, destination: &Destination) -> String {
    let settings = &destination.settings;
    let live = (facts.live)(destination.id);
    let address = match settings.address {
        IpAddr::V4(_) => hex(settings.address),
        IpAddr::V6(_) => format!("[{}]", hex(settings.address)),
    };
    format!(
        "  -> {address}:{:04X}      {:<7} {:<6} {:<10} {:<10}\n",
        settings.port,
        method(settings.method),
        settings.weight,
        live.active,
        live.inactive
    )
}

const fn method(method: Method) -> &'static str {
    match method {
        Method::DirectRouting => "Route",
        Method::Tunnel(_) => "Tunnel",
        Method::Nat => "Masq",
    }
}

/// `/proc/net/ip_vs_stats`.
pub fn proc_statistics(facts: &Facts<'_>) -> String {
    let total = facts.ipvs.total();
    let (counts, rates) = (total.shown(), total.rates());
    format!(
        "   Total Incoming Outgoing         Incoming         Outgoing\n   \
         Conns  Packets  Packets            Bytes            Bytes\n\
         {:>8X} {:>8X} {:>8X} {:>16X} {:>16X}\n\n \
         Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n\
         {:>8X} {:>8X} {:>8X} {:>16X} {:>16X}\n",
        counts.connections,
        counts.in_packets,
        counts.out_packets,
        counts.in_bytes,
        counts.out_bytes,
        rates.connections,
        rates.in_packets,
        rates.out_packets,
        rates.in_bytes,
        rates.out_bytes
    )
}

/// `/proc/net/ip_vs_conn`.
pub fn proc_connections(connections: &[Connection]) -> String {
    let mut text =
        "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
            .to_owned();
    for it in connections {
        let engine = match &it.engine {
            Some((name, data)) => format!(" {name} {data}"),
            None => String::new(),
        };
        text += &format!(
            "{:<3} {} {:04X} {} {:04X} {} {:04X} {:<11} {:>7}{engine}\n",
            protocol(it.protocol),
            hex(it.client.0),
            it.client.1,
            hex(it.virtual_service.0),
            it.virtual_service.1,
            hex(it.destination.0),
            it.destination.1,
            it.state,
            it.expires
        );
    }
    text
}

const fn protocol(number: u8) -> &'static str {
    match number {
        0 => "IP",
        6 => "TCP",
        17 => "UDP",
        132 => "SCTP",
        _ => "?",
    }
}

/// An address as the kernel writes it there: IPv4 as a number, IPv6 in full.
fn hex(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{:08X}", address.to_bits()),
        IpAddr::V6(address) => in_full(address),
    }
}

fn in_full(address: Ipv6Addr) -> String {
    let parts = address.segments().map(|part| format!("{part:04x}"));
    parts.join(":")
}
