//! The shell script that brings a fresh network namespace to a scenario's beginning.

use std::{collections::BTreeSet, fmt::Write, net::IpAddr};

use dray_model::Mac;
use dray_replay::{
    Scenario,
    scenario::{MarkRule, MarkedProtocol},
    site::{self, RealServers},
};

pub(super) fn script(scenario: &Scenario) -> String {
    let mut script = interfaces();
    let mut line = |text: String| writeln!(script, "{text}").expect("writing to a string");
    let vips: BTreeSet<IpAddr> = site::vips(scenario).into_iter().collect();
    for vip in &vips {
        let (bits, at_once) = if vip.is_ipv4() {
            (32, "")
        } else {
            (128, " nodad")
        };
        line(format!("addr add {vip}/{bits} dev lo{at_once}"));
    }
    for prefix in &scenario.local {
        line(format!("route add local {prefix} dev lo"));
    }
    for (address, mac) in numbered(&RealServers::of(scenario)) {
        let source = site::tunnel_source(address);
        line(format!("route add {address} dev srv0 src {source}"));
        line(format!(
            "neigh add {address} lladdr {mac} dev srv0 nud permanent"
        ));
    }
    line("END".to_owned());
    scenario.marks.iter().for_each(|rule| line(mark(rule)));
    for (name, value) in &scenario.sysctls {
        line(super::plan::set(name, value));
    }
    scenario.setup.iter().cloned().for_each(&mut line);
    if let Some(timeouts) = &scenario.timeouts {
        line(format!("ipvsadm --set {timeouts}"));
    }
    line("ipvsadm -R <<END".to_owned());
    for service in &scenario.services {
        service.commands().into_iter().for_each(&mut line);
    }
    line("END".to_owned());
    script
}

/// Every real server, from number 1.
fn numbered(reals: &RealServers) -> impl Iterator<Item = (IpAddr, Mac)> {
    (1_u16..).map_while(|number| {
        let [high, low] = number.to_be_bytes();
        let mac = Mac([2, 1, 0, 0, high, low]);
        Some((reals.with_mac(&mac.0)?, mac))
    })
}

/// What does not depend on the scenario; ends within the input of `ip`.
fn interfaces() -> String {
    let [client4, client6, server4, server6] = site::OWN_ADDRESSES;
    let (client, server, router) = (site::CLIENT_PORT, site::SERVER_PORT, site::ROUTER);
    // The full path, because busybox's own ip knows no -batch. No limit on ICMP errors: each must be seen.
    format!(
        "/sbin/ip link set lo up
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
for i in all default cli0 srv0; do
  cd /proc/sys/net/ipv4/conf/$i
  echo 0 > rp_filter; echo 0 > send_redirects; echo 1 > forwarding
  cd /proc/sys/net/ipv6/conf/$i
  echo 0 > accept_ra; echo 0 > router_solicitations; echo 1 > forwarding
done
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv4/icmp_ratemask
echo > /proc/sys/net/ipv6/icmp/ratemask
/sbin/ip -batch - <<END
link set cli0 address {client} up
link set srv0 address {server} up
addr add {client4}/24 dev cli0
addr add {client6}/64 dev cli0 nodad
addr add {server4}/32 dev srv0
addr add {server6}/128 dev srv0 nodad
neigh add 10.255.0.2 lladdr {router} dev cli0 nud permanent
neigh add fd00:255::2 lladdr {router} dev cli0 nud permanent
route add default via 10.255.0.2 dev cli0
route add default via fd00:255::2 dev cli0
"
    )
}

fn mark(rule: &MarkRule) -> String {
    let tool = if rule.dst.address.is_ipv4() {
        "iptables"
    } else {
        "ip6tables"
    };
    let mut line = format!("{tool} -t mangle -A PREROUTING -d {}", rule.dst);
    if let Some(protocol) = rule.proto {
        let name = match protocol {
            MarkedProtocol::Tcp => "tcp",
            MarkedProtocol::Udp => "udp",
            MarkedProtocol::Sctp => "sctp",
        };
        line += &format!(" -p {name}");
    }
    if let Some(port) = rule.dport {
        line += &format!(" --dport {port}");
    }
    line + &format!(" -j MARK --set-mark {}", rule.mark)
}
