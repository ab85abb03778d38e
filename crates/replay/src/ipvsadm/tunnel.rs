//! The options of tunnels, and how they go together.

use dray_model::Forward;

use super::{Usage, line::Line, rules::Opt};
use crate::ipvs::{Tunnel, TunnelChecksum};

/// The tunnel that a line's options ask for; IP in IP if they say nothing.
pub(super) fn tunnel(line: &Line) -> Result<Tunnel, Usage> {
    let checks = [Opt::TunNocsum, Opt::TunCsum, Opt::TunRemcsum];
    let any =
        line.has(Opt::TunType) || line.has(Opt::TunPort) || checks.iter().any(|it| line.has(*it));
    if any && line.forward != Forward::Tunnel {
        return Err(Usage::wrong("Tunnel options conflict with forward method"));
    }
    let kind = line.tunnel;
    let illegal = |option: Opt| match kind {
        "gue" => false,
        "gre" => matches!(option, Opt::TunPort | Opt::TunRemcsum),
        _ => true,
    };
    if kind == "gue" && !line.has(Opt::TunPort) {
        return Err(Usage::wrong(
            "You need to supply the 'tun-port' option for the 'gue' tunnel type",
        ));
    }
    let mut only: Option<Opt> = None;
    for option in [Opt::TunPort, Opt::TunNocsum, Opt::TunCsum, Opt::TunRemcsum] {
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
        Some(Opt::TunCsum) => TunnelChecksum::Own,
        Some(Opt::TunRemcsum) => TunnelChecksum::Remote,
        _ => TunnelChecksum::None,
    };
    Ok(match kind {
        "gue" => Tunnel::Gue {
            port: line.tunnel_port,
            checksum,
        },
        "gre" => Tunnel::Gre { checksum },
        _ => Tunnel::Ipip,
    })
}
