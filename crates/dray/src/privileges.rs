//! What the kernel must allow this process before it can direct packets.

use std::fmt;

use rustix::thread::{CapabilitySet, capabilities};

/// Capabilities that the process lacks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Missing(Vec<&'static str>);

/// Asks the kernel whether this process may load XDP programs and change addresses.
pub(crate) fn check() -> anyhow::Result<()> {
    let effective = capabilities(None)?.effective;
    let missing = missing(effective);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Missing(missing).into())
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "missing {}: run dray as root, or give it these capabilities (systemd: AmbientCapabilities=CAP_BPF \
             CAP_NET_ADMIN CAP_PERFMON)",
            self.0.join(", ")
        )
    }
}

/// capabilities(7): CAP_SYS_ADMIN stands in for CAP_BPF and CAP_PERFMON.
fn missing(effective: CapabilitySet) -> Vec<&'static str> {
    let bpf = [
        (CapabilitySet::BPF, "CAP_BPF"),
        (CapabilitySet::PERFMON, "CAP_PERFMON"),
    ];
    let mut missing = Vec::new();
    if !effective.contains(CapabilitySet::NET_ADMIN) {
        missing.push("CAP_NET_ADMIN");
    }
    if !effective.contains(CapabilitySet::SYS_ADMIN) {
        missing.extend(
            bpf.into_iter()
                .filter(|(bit, _)| !effective.contains(*bit))
                .map(|(_, name)| name),
        );
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_capability_is_named() {
        assert_eq!(
            missing(CapabilitySet::empty()),
            ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"]
        );
        assert_eq!(
            missing(CapabilitySet::NET_ADMIN | CapabilitySet::BPF),
            ["CAP_PERFMON"]
        );
    }

    #[test]
    fn root_and_the_three_capabilities_alone_are_enough() {
        assert_eq!(missing(CapabilitySet::all()), [""; 0]);
        let three = CapabilitySet::NET_ADMIN | CapabilitySet::BPF | CapabilitySet::PERFMON;
        assert_eq!(missing(three), [""; 0]);
    }

    #[test]
    fn the_administrator_of_the_system_may_load_programs() {
        assert_eq!(missing(CapabilitySet::SYS_ADMIN), ["CAP_NET_ADMIN"]);
    }
}
