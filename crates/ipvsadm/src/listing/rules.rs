//! `ipvsadm -S`: the command lines that make the services, but for thresholds, which it forgets.

use dray_model::{Forward, Tunnel, TunnelChecksum};

use super::{
    Look,
    service::{flags, mask, option, protocol},
    sort,
};
use crate::snapshot::{Destination, Service, Snapshot};

/// The services as command lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The command lines.
    pub text: String,
    /// What no command line of `ipvsadm` makes, each a sentence.
    pub left_out: Vec<String>,
}

/// The command lines of all services.
pub fn rules(snapshot: &Snapshot, look: Look<'_>) -> Saved {
    let mut saved = Saved {
        text: String::new(),
        left_out: Vec::new(),
    };
    let services: Vec<&Service> = snapshot.services.iter().collect();
    for service in sort::services(&services) {
        let name = option(&service.identity, look);
        saved.text += &service_rule(service, &name);
        let list: Vec<&Destination> = service.destinations.iter().collect();
        for destination in sort::destinations(&list) {
            let (address, port) = (destination.address, destination.port);
            let real = look.endpoint(address, port, protocol(service));
            match method(destination.forward) {
                Some(method) => {
                    saved.text += &format!(
                        "-a {name} -r {real} {} -w {}{}\n",
                        method.0, destination.weight, method.1
                    );
                }
                None => saved.left_out.push(format!(
                    "{real} of {name} is reached by {}, for which ipvsadm has no option; `dray save` writes it",
                    destination.forward.name()
                )),
            }
        }
    }
    saved
}

fn service_rule(service: &Service, name: &str) -> String {
    let settings = &service.settings;
    let mut text = format!("-A {name} -s {}", settings.scheduler);
    if let Some(seconds) = settings.persistent {
        text += &format!(" -p {seconds}");
        if let Some(mask) = mask(settings.netmask) {
            text += &format!(" -M {mask}");
        }
    }
    if let Some(engine) = &settings.engine {
        text += &format!(" --pe {engine}");
    }
    if settings.one_packet {
        text += " -o";
    }
    if settings.flags.any() {
        text += &format!(" -b {}", flags(&settings.scheduler, settings.flags));
    }
    text.push('\n');
    text
}

/// The option of a forwarding method, and those of its tunnel.
fn method(forward: Forward) -> Option<(&'static str, String)> {
    let checksum = |checksum| match checksum {
        TunnelChecksum::None => "--tun-nocsum",
        TunnelChecksum::Full => "--tun-csum",
        TunnelChecksum::Remote => "--tun-remcsum",
    };
    let tunnel = match forward {
        Forward::DirectRouting => return Some(("-g", String::new())),
        Forward::Nat => return Some(("-m", String::new())),
        Forward::FullNat => return None,
        Forward::Tunnel(tunnel) => tunnel,
    };
    let options = match tunnel {
        Tunnel::IpIp => " --tun-type ipip".to_owned(),
        Tunnel::Gue { port, checksum: of } => {
            format!(" --tun-type gue --tun-port {port} {}", checksum(of))
        }
        Tunnel::Gre { checksum: of } => format!(" --tun-type gre {}", checksum(of)),
    };
    Some(("-i", options))
}
