//! Connections and templates: `ipvsadm -Lc` and `/proc/net/ip_vs_conn`.

use std::net::{IpAddr, Ipv6Addr};

use super::table::endpoint;

/// A connection or a template, as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Protocol number; 0 for a mark's template.
    pub protocol: u8,
    /// The client.
    pub client: (IpAddr, u16),
    /// The VIP and port; of a mark's template, the mark as an address.
    pub virtual_service: (IpAddr, u16),
    /// The real server.
    pub destination: (IpAddr, u16),
    /// IPVS's name of the state.
    pub state: &'static str,
    /// Seconds left.
    pub expires: u64,
    /// The persistence engine's name and what it found.
    pub engine: Option<(String, String)>,
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

/// `ipvsadm -Lnc`; `engines` with what persistence engines found.
pub fn connections(connections: &[Connection], engines: bool) -> String {
    let mut text = "IPVS connection entries\n".to_owned();
    let (state, source, virtual_service, destination) =
        ("state", "source", "virtual", "destination");
    text += &if engines {
        format!(
            "pro expire {state:<11} {source:<18} {virtual_service:<18} {destination:<18} {:<16} pe_data\n",
            "pe name"
        )
    } else {
        format!("pro expire {state:<11} {source:<18} {virtual_service:<18} {destination}\n")
    };
    for it in connections {
        let expires = format!("{:02}:{:02}", it.expires / 60, it.expires % 60);
        let client = endpoint(it.client.0, it.client.1);
        let service = endpoint(it.virtual_service.0, it.virtual_service.1);
        let destination = endpoint(it.destination.0, it.destination.1);
        text += &format!(
            "{:<3} {expires:<6} {:<11} {client:<18} {service:<18} ",
            protocol(it.protocol),
            it.state
        );
        text += &match &it.engine {
            Some((name, data)) if engines => format!("{destination:<16} {name:<18} {data}\n"),
            _ => format!("{destination}\n"),
        };
    }
    text
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

/// An address as the kernel writes it there: IPv4 as a number, IPv6 in full.
pub(super) fn hex(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{:08X}", address.to_bits()),
        IpAddr::V6(address) => in_full(address),
    }
}

fn in_full(address: Ipv6Addr) -> String {
    let parts = address.segments().map(|part| format!("{part:04x}"));
    parts.join(":")
}
