//! What a frame that came out of the director means, in the words of a scenario's answers.

use super::{Icmp, Malformed, Packet, Transport, tunnel::bad_checksums};
use crate::{
    Endpoint,
    scenario::Side,
    site::{RealServers, tunnel_source},
};

/// The side of the director by which a frame left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// To the clients' router.
    Client,
    /// To the real servers.
    Server,
}

/// What a frame means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// In the words of a scenario's answers; begins with `unknown` when nothing fits.
    pub text: String,
    /// What is wrong with the packet's checksums.
    pub bad: Vec<&'static str>,
}

/// Says what a frame means that left by `exit` when a packet had come from `from`.
///
/// # Errors
/// When it holds no IP packet.
pub fn describe(
    exit: Exit,
    frame: &[u8],
    reals: &RealServers,
    from: Side,
) -> Result<Described, Malformed> {
    let packet = Packet::parse(frame.get(14..).ok_or(Malformed)?)?;
    let to_real = match exit {
        Exit::Server => reals.with_mac(&frame[..6]),
        Exit::Client => None,
    };
    let (mut text, bad) = match to_real {
        Some(real) => to_server(&packet, real, from)?,
        None => {
            let text = to_client(&packet, exit, from).unwrap_or_else(|| unknown(exit, frame));
            (text, packet.bad.clone())
        }
    };
    if packet.fragment {
        text.push_str(" fragment");
    }
    Ok(Described { text, bad })
}

fn to_server(
    packet: &Packet,
    real: std::net::IpAddr,
    from: Side,
) -> Result<(String, Vec<&'static str>), Malformed> {
    let for_it = packet.destination == real;
    let by_tunnel = for_it && packet.source == tunnel_source(real);
    let kind = match packet.protocol {
        4 | 41 => Some("tun"),
        17 => Some("gue"),
        47 => Some("gre"),
        _ => None,
    };
    if let Some(kind) = kind.filter(|_| by_tunnel) {
        return Ok((format!("{kind} {real}"), bad_checksums(packet)?));
    }
    let text = match packet.transport {
        Transport::Ports { destination, .. } if for_it => {
            Endpoint::new(real, destination).to_string()
        }
        Transport::Icmp(Icmp { number, code }) if from == Side::Real => {
            format!("real {real} icmp {number}/{code}")
        }
        _ => real.to_string(),
    };
    Ok((text, packet.bad.clone()))
}

fn to_client(packet: &Packet, exit: Exit, from: Side) -> Option<String> {
    if exit != Exit::Client {
        return None;
    }
    Some(match (packet.transport, from) {
        (Transport::Icmp(Icmp { number, code }), _) => {
            let version = if packet.protocol == 58 { "6" } else { "" };
            let text = format!("icmp{version} {number}/{code}");
            match from {
                Side::Real => format!("client {text} from {}", packet.source),
                Side::Client => text,
            }
        }
        (Transport::Ports { source, .. }, Side::Real) => {
            format!("client {}", Endpoint::new(packet.source, source))
        }
        (Transport::Ports { flags, .. }, Side::Client) if flags & 4 != 0 => "rst".to_owned(),
        (Transport::Ports { .. }, Side::Client) => "local".to_owned(),
        (Transport::Other, _) => return None,
    })
}

fn unknown(exit: Exit, frame: &[u8]) -> String {
    let side = match exit {
        Exit::Client => "c",
        Exit::Server => "s",
    };
    let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("unknown {side} {hex}")
}
