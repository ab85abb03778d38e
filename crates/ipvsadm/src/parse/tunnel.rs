//! The options of tunnels, and how they go together.

use dray_model::{Tunnel, TunnelChecksum};

use super::{line::Line, rules::Opt};
use crate::{Method, Usage};

/// The forwarding method of a line, with what its tunnel is made of.
///
/// # Errors
/// When it has options for another kind of tunnel, or for a tunnel without being one.
pub(super) fn with_tunnel(line: &Line<'_>) -> Result<Method, Usage> {
    let any = [Opt::TunType, Opt::TunPort]
        .into_iter()
        .chain(CHECKSUMS)
        .any(|option| line.has(option));
    match line.method {
        Method::Tunnel(_) => Ok(Method::Tunnel(tunnel(line)?)),
        _ if any => Err(Usage::wrong("Tunnel options conflict with forward method")),
        method => Ok(method),
    }
}

const CHECKSUMS: [Opt; 3] = [Opt::TunNocsum, Opt::TunCsum, Opt::TunRemcsum];

fn tunnel(line: &Line<'_>) -> Result<Tunnel, Usage> {
    let kind = line.tunnel;
    if kind == "gue" && !line.has(Opt::TunPort) {
        return Err(Usage::wrong(
            "You need to supply the 'tun-port' option for the 'gue' tunnel type",
        ));
    }
    let illegal = |option: Opt| match kind {
        "gue" => false,
        "gre" => matches!(option, Opt::TunPort | Opt::TunRemcsum),
        _ => true,
    };
    let mut only: Option<Opt> = None;
    for option in [Opt::TunPort].into_iter().chain(CHECKSUMS) {
        if !line.has(option) {
            continue;
        }
        if illegal(option) {
            return Err(Usage::wrong(format!(
                "Illegal '{}' option with the '{kind}' tunnel type",
                option.name()
            )));
        }
        if option == Opt::TunPort {
            continue;
        }
        if let Some(other) = only {
            return Err(Usage::wrong(format!(
                "The option '{}' conflicts with the '{}' option in the '{kind}' tunnel type",
                option.name(),
                other.name()
            )));
        }
        only = Some(option);
    }
    let checksum = match only {
        Some(Opt::TunCsum) => TunnelChecksum::Full,
        Some(Opt::TunRemcsum) => TunnelChecksum::Remote,
        _ => TunnelChecksum::None,
    };
    Ok(match (kind, line.tunnel_port) {
        ("gue", Some(port)) => Tunnel::Gue { port, checksum },
        ("gre", _) => Tunnel::Gre { checksum },
        _ => Tunnel::IpIp,
    })
}
