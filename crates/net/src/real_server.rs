//! Setting a real server up for direct routing.
//!
//! In direct routing the director changes only the Ethernet addresses of a packet: it reaches the real server
//! still addressed to the VIP, and the answer goes straight to the client, from the VIP. So each real server
//! must hold the VIP, but **only the director may answer ARP for it**. That is the ARP problem: Linux answers
//! ARP on any interface for any address of the host (the "weak host model"), and a real server that answers
//! first gets all traffic of the VIP, past the director. What helps, without patches or packet filters:
//!
//! - The VIP goes on the loopback interface, as /32, so that no network route comes with it.
//! - `arp_ignore=1`: answer ARP only for addresses of the interface that the question came in by.
//! - `arp_announce=2`: ask ARP only with an address of the interface that the question goes out by. Otherwise an
//!   answer to a client, whose source is the VIP, would make the real server ask for its gateway in the name
//!   of the VIP, and the gateway would learn the wrong place from the question.
//!
//! The kernel obeys the larger value of `all` and the interface (Documentation/networking/ip-sysctl.rst), so
//! `all` would do; the interfaces are set too because a larger value of theirs that does not help (`arp_ignore=3`)
//! would win. Settings come before the addresses, so that there is no moment in which the VIP is answered for.
//!
//! IPv6 has no such problem: Linux answers neighbour discovery only for addresses of the interface that was
//! asked. The VIP goes on the loopback interface as /128, without duplicate address detection, which would find
//! the director.

use std::{collections::BTreeSet, fmt, fs, io, net::IpAddr};

use dray_model::NetError;

use crate::{Netlink, address::host_prefix, netlink::failed};

/// The interface that holds the VIPs of a real server.
const LOOPBACK: &str = "lo";

/// One step of the set-up, or of undoing it. Prints as the command that would do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Gives a setting of an interface, or of `all`, a value.
    Set {
        /// Which setting.
        setting: Setting,
        /// Name of the interface, or `all`.
        interface: String,
        /// The value.
        value: u8,
    },
    /// Switches the loopback interface on. It is, everywhere but in a new network namespace.
    SwitchLoopbackOn,
    /// Puts a VIP on the loopback interface.
    AddVip(IpAddr),
    /// Takes a VIP off the loopback interface.
    RemoveVip(IpAddr),
}

/// A setting of the kernel for how an interface uses ARP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Which questions it answers.
    ArpIgnore,
    /// Which address it asks with.
    ArpAnnounce,
}

/// The steps that make a host a real server of these VIPs. `interfaces` are those that face the network.
pub fn plan(vips: &BTreeSet<IpAddr>, interfaces: &[String]) -> Vec<Step> {
    let mut steps = Vec::new();
    if vips.iter().any(IpAddr::is_ipv4) {
        for interface in ["all"]
            .into_iter()
            .chain(interfaces.iter().map(String::as_str))
        {
            for setting in [Setting::ArpIgnore, Setting::ArpAnnounce] {
                steps.push(Step::Set {
                    setting,
                    interface: interface.to_owned(),
                    value: setting.wanted(),
                });
            }
        }
    }
    if !vips.is_empty() {
        steps.push(Step::SwitchLoopbackOn);
    }
    steps.extend(vips.iter().map(|vip| Step::AddVip(*vip)));
    steps
}

/// Carries steps out in the network namespace of the calling thread, which must stay the same throughout: in a
/// namespace of its own, run this on a current-thread runtime. Gives the steps that undo what was changed: to
/// carry them out is to undo. What was right already is left alone, now and by undoing.
///
/// # Errors
/// When a step fails; what was changed before it is undone.
pub async fn carry_out(steps: &[Step]) -> Result<Vec<Step>, NetError> {
    let netlink = &Netlink::open()?;
    let mut undo = Vec::new();
    for step in steps {
        match step.carry_out(netlink).await {
            Ok(inverse) => undo.extend(inverse),
            Err(error) => {
                for step in undo.iter().rev() {
                    if let Err(error) = step.carry_out(netlink).await {
                        tracing::error!(%error, "failed to undo: {step}");
                    }
                }
                return Err(error);
            }
        }
    }
    undo.reverse();
    Ok(undo)
}

impl Step {
    /// Gives the step that undoes this one; none if this one changed nothing.
    async fn carry_out(&self, netlink: &Netlink) -> Result<Option<Self>, NetError> {
        match self {
            Self::Set {
                setting,
                interface,
                value,
            } => {
                let before = setting
                    .set(interface, *value)
                    .map_err(failed(format!("carry out `{self}`")))?;
                Ok(before.map(|value| Self::Set {
                    setting: *setting,
                    interface: interface.clone(),
                    value,
                }))
            }
            // Nobody wants it off again, least of all the servers that were started meanwhile.
            Self::SwitchLoopbackOn => netlink.set_up(LOOPBACK).await.map(|()| None),
            Self::AddVip(vip) => {
                let added = netlink
                    .add_address(LOOPBACK, *vip, host_prefix(*vip))
                    .await?;
                Ok(added.then_some(Self::RemoveVip(*vip)))
            }
            Self::RemoveVip(vip) => {
                netlink
                    .remove_address(LOOPBACK, *vip, host_prefix(*vip))
                    .await?;
                Ok(Some(Self::AddVip(*vip)))
            }
        }
    }
}

impl Setting {
    /// The value that direct routing needs.
    const fn wanted(self) -> u8 {
        match self {
            Self::ArpIgnore => 1,
            Self::ArpAnnounce => 2,
        }
    }

    /// Whether an operator's value is as good: `arp_ignore` 2 also wants the asker in the same subnet, 8 answers
    /// nothing at all; 3 answers for every address but those of the host's own scope, so for the VIP.
    const fn is_as_good(self, value: u8) -> bool {
        match self {
            Self::ArpIgnore => matches!(value, 1 | 2 | 8),
            Self::ArpAnnounce => value == 2,
        }
    }

    /// Gives the value that it had before, if that was changed.
    ///
    /// Reads and writes on the calling thread, not on one of tokio's for blocking work: those may be in another
    /// network namespace, and `/proc/sys/net` is that of the thread that opens it. The files do not block.
    fn set(self, interface: &str, value: u8) -> io::Result<Option<u8>> {
        // `interface` becomes part of a path, and the kernel takes no interface name with a slash.
        if interface.contains('/') || interface.starts_with('.') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{interface}` is not an interface"),
            ));
        }
        let path = format!("/proc/sys/net/ipv4/conf/{interface}/{}", self.name());
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                io::Error::new(error.kind(), format!("there is no interface {interface}"))
            }
            _ => error,
        })?;
        let before = text
            .trim()
            .parse()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if before == value || (value == self.wanted() && self.is_as_good(before)) {
            return Ok(None);
        }
        fs::write(&path, value.to_string())?;
        Ok(Some(before))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ArpIgnore => "arp_ignore",
            Self::ArpAnnounce => "arp_announce",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodad = |vip: &IpAddr| if vip.is_ipv6() { " nodad" } else { "" };
        match self {
            Self::Set {
                setting,
                interface,
                value,
            } => {
                // sysctl(8) takes a dot inside a name as a slash.
                let interface = interface.replace('.', "/");
                write!(
                    f,
                    "sysctl -w net.ipv4.conf.{interface}.{}={value}",
                    setting.name()
                )
            }
            Self::SwitchLoopbackOn => write!(f, "ip link set {LOOPBACK} up"),
            Self::AddVip(vip) => {
                write!(
                    f,
                    "ip address add {vip}/{} dev {LOOPBACK}{}",
                    host_prefix(*vip),
                    nodad(vip)
                )
            }
            Self::RemoveVip(vip) => write!(
                f,
                "ip address del {vip}/{} dev {LOOPBACK}",
                host_prefix(*vip)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(vips: &[&str], interfaces: &[&str]) -> Vec<String> {
        let vips = vips
            .iter()
            .map(|vip| vip.parse().expect("an address"))
            .collect();
        let interfaces: Vec<_> = interfaces.iter().map(ToString::to_string).collect();
        plan(&vips, &interfaces)
            .iter()
            .map(Step::to_string)
            .collect()
    }

    #[test]
    fn arp_is_silenced_before_the_vip_is_there() {
        assert_eq!(
            planned(&["10.77.0.100", "2001:db8::64"], &["eth0", "eth1.7"]),
            [
                "sysctl -w net.ipv4.conf.all.arp_ignore=1",
                "sysctl -w net.ipv4.conf.all.arp_announce=2",
                "sysctl -w net.ipv4.conf.eth0.arp_ignore=1",
                "sysctl -w net.ipv4.conf.eth0.arp_announce=2",
                "sysctl -w net.ipv4.conf.eth1/7.arp_ignore=1",
                "sysctl -w net.ipv4.conf.eth1/7.arp_announce=2",
                "ip link set lo up",
                "ip address add 10.77.0.100/32 dev lo",
                "ip address add 2001:db8::64/128 dev lo nodad",
            ]
        );
    }

    #[test]
    fn ipv6_needs_no_settings_and_no_vip_needs_nothing() {
        assert_eq!(
            planned(&["2001:db8::64"], &["eth0"]),
            [
                "ip link set lo up",
                "ip address add 2001:db8::64/128 dev lo nodad"
            ]
        );
        assert!(planned(&[], &["eth0"]).is_empty());
    }

    #[test]
    fn a_path_is_not_an_interface() {
        for name in ["../all", "eth0/../all", "..", "."] {
            let error = Setting::ArpIgnore.set(name, 1).expect_err(name);
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
        }
    }
}
