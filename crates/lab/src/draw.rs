//! A topology as a picture, for people. Pure.

use std::fmt::Write as _;

use crate::{
    topology::{Arms, Family, Network, Topology},
    wiring::{Host, interface},
};

impl Topology {
    /// Networks and hosts with their addresses, and the way of a packet. `notes` stand beside the real servers, from
    /// the first on.
    pub fn drawing(&self, notes: &[String]) -> String {
        let mut drawing = String::new();
        for &network in self.networks() {
            let [v4, v6] = Family::BOTH.map(|family| network.name(family));
            line(&mut drawing, "━┯━ ", &[network.bridge(), &v4, &v6]);
            let mut hosts = self.drawn_hosts(network, notes);
            if self.has_router() {
                let [v4, v6] = Family::BOTH.map(|family| network.router(family).to_string());
                hosts.push(["router".to_owned(), v4, v6, String::new()]);
            }
            let last = hosts.len() - 1;
            for (index, host) in hosts.iter().enumerate() {
                let branch = if index == last {
                    " └─ "
                } else {
                    " ├─ "
                };
                line(&mut drawing, branch, &host.each_ref().map(String::as_str));
            }
            drawing.push('\n');
        }
        drawing.push_str(match self.arms() {
            Arms::One => ONE_ARM,
            Arms::Two => TWO_ARMS,
        });
        if let Some(vlan) = self.vlan() {
            writeln!(
                drawing,
                " Requests reach the director tagged with VLAN {vlan}."
            )
            .expect("text takes more text");
        }
        drawing
    }

    fn drawn_hosts(&self, network: Network, notes: &[String]) -> Vec<[String; 4]> {
        let cables = self.cables();
        let here = cables.iter().filter(|cable| cable.network == network);
        here.map(|cable| {
            let note = match cable.host {
                Host::Director(index) if network == Network::Client => {
                    let [v4, v6] = Family::BOTH.map(|family| self.vip(index, family));
                    format!("VIP {v4}  {v6}")
                }
                Host::Director(_) => interface(cable.host, network).to_owned(),
                Host::RealServer(index) => {
                    notes.get(usize::from(index)).cloned().unwrap_or_default()
                }
                Host::Client(_) => String::new(),
            };
            let [v4, v6] = cable.addresses.map(|address| address.to_string());
            [cable.host.name(), v4, v6, note]
        })
        .collect()
    }
}

fn line(drawing: &mut String, branch: &str, columns: &[&str]) {
    let mut line = branch.to_owned();
    for (column, width) in columns.iter().zip([12, 15, 12, 0]) {
        write!(line, "{column:width$}").expect("text takes more text");
    }
    drawing.push_str(line.trim_end());
    drawing.push('\n');
}

const ONE_ARM: &str = concat!(
    " request   client ──▶ director ──▶ real server    ",
    "XDP: other Ethernet addresses, time to live less one\n",
    " answer    client ◀─────────────── real server    ",
    "straight from the VIP, past the director\n",
);

const TWO_ARMS: &str = concat!(
    " request   client ──▶ director ──▶ real server    ",
    "XDP: in by eth0, out by eth1\n",
    " answer    client ◀──── router ─── real server    ",
    "straight from the VIP, past the director\n",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_drawn_with_every_host_and_address() {
        let notes = ["weight 3".to_owned(), "weight 1".to_owned()];
        assert_eq!(
            Topology::one_arm(2).drawing(&notes),
            "\
━┯━ clients     10.77.0.0/24   fd77::/64
 ├─ client1     10.77.0.1      fd77::1
 ├─ director1   10.77.0.2      fd77::2     VIP 10.77.0.100  fd77::100
 ├─ real1       10.77.0.11     fd77::11    weight 3
 └─ real2       10.77.0.12     fd77::12    weight 1

 request   client ──▶ director ──▶ real server    XDP: other Ethernet addresses, time to live less one
 answer    client ◀─────────────── real server    straight from the VIP, past the director
"
        );
    }

    #[test]
    fn two_networks_are_drawn_with_the_router_in_both() {
        let drawing = Topology::two_arms(1).client_vlan(10).drawing(&[]);
        assert_eq!(drawing.matches("router      10.7").count(), 2);
        assert_eq!(drawing.matches("director1").count(), 2);
        assert!(drawing.contains("VLAN 10"));
    }
}
