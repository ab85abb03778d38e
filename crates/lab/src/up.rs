//! Bringing a topology up: namespaces, then cables, then what each host needs to know, then the helper programs.

use std::{collections::BTreeMap, fs, net::IpAddr, os::fd::AsFd as _, sync::Arc};

use anyhow::{Context as _, Result};
use dray_net::{Netlink, real_server};

use crate::{
    helper::Helper,
    namespace::Namespace,
    offload::Offload,
    premises::Premises,
    topology::{Family, Network, Topology},
    wiring::{Cable, Host, Knows, interface},
};

/// A topology that is up.
pub(crate) struct Wired {
    pub(crate) switch: Arc<Namespace>,
    pub(crate) hosts: BTreeMap<Host, Arc<Namespace>>,
    _helpers: Vec<Helper>,
}

/// Makes a topology real. What it makes goes when its premises are cleared.
pub(crate) fn wire(premises: &Premises, topology: &Topology) -> Result<Wired> {
    let switch = Namespace::create(premises, "switch")?;
    prepare(&switch)?;
    let mut hosts = BTreeMap::new();
    for host in topology.hosts() {
        let namespace = Namespace::create(premises, &host.name())?;
        prepare(&namespace)?;
        hosts.insert(host, namespace);
    }
    let cables = topology.cables();
    switch.block_on(|| plug_in(topology, &cables, &hosts))?;
    for cable in &cables {
        let namespace = &hosts[&cable.host];
        for offload in Offload::ALL {
            offload.switch_off(&switch, &cable.port)?;
            offload.switch_off(namespace, cable.interface)?;
        }
        namespace.block_on(|| configure(topology, cable))?;
    }
    for index in 0..topology.real_server_count() {
        hosts[&Host::RealServer(index)].block_on(|| serve_vips(topology, index))?;
    }
    introduce(topology, &switch, &hosts)?;
    let helpers = attach_helpers(topology, &switch, &cables)?;
    Ok(Wired {
        switch,
        hosts,
        _helpers: helpers,
    })
}

/// Sets what links that come later inherit. The defaults of a new namespace may be those of the machine.
fn prepare(namespace: &Namespace) -> Result<()> {
    const SETTINGS: [(&str, &str); 8] = [
        // Answers come from VIPs, by another way than the questions went.
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
        ("net/ipv6/conf/all/disable_ipv6", "0"),
        ("net/ipv6/conf/default/disable_ipv6", "0"),
        // Nobody else is there to have the same address, and asking takes a second.
        ("net/ipv6/conf/all/accept_dad", "0"),
        ("net/ipv6/conf/default/accept_dad", "0"),
        ("net/ipv6/conf/default/router_solicitations", "0"),
        // Room for as many connections as a client may want.
        ("net/ipv4/ip_local_port_range", "1024 65535"),
    ];
    namespace.run(|| {
        SETTINGS
            .into_iter()
            .try_for_each(|(name, value)| set(name, value))
    })?;
    namespace.block_on(async || Ok(Netlink::open()?.set_up("lo").await?))
}

/// Lays the cables, in the switch's namespace.
async fn plug_in(
    topology: &Topology,
    cables: &[Cable],
    hosts: &BTreeMap<Host, Arc<Namespace>>,
) -> Result<()> {
    let netlink = Netlink::open()?;
    for network in topology.networks() {
        netlink.add_bridge(network.bridge()).await?;
        if let Some(mtu) = topology.mtu(*network) {
            netlink.set_mtu(network.bridge(), mtu).await?;
        }
        netlink.set_up(network.bridge()).await?;
    }
    for cable in cables {
        netlink.add_veth(&cable.port, cable.interface).await?;
        netlink
            .move_to(cable.interface, hosts[&cable.host].as_fd())
            .await?;
        netlink
            .set_master(&cable.port, cable.network.bridge())
            .await?;
        netlink.set_up(&cable.port).await?;
    }
    if topology.has_router() {
        for family in Family::BOTH {
            for network in topology.networks() {
                netlink
                    .add_address(
                        network.bridge(),
                        network.router(family),
                        Network::prefix(family),
                    )
                    .await?;
            }
        }
        set("net/ipv4/ip_forward", "1")?;
        set("net/ipv6/conf/all/forwarding", "1")?;
    }
    Ok(())
}

/// Configures a host's end of a cable, in the host's namespace.
async fn configure(topology: &Topology, cable: &Cable) -> Result<()> {
    let netlink = Netlink::open()?;
    netlink.set_up(cable.interface).await?;
    for (family, address) in Family::BOTH.into_iter().zip(cable.addresses) {
        netlink
            .add_address(cable.interface, address, Network::prefix(family))
            .await?;
    }
    if let Some(mtu) = topology.mtu(cable.network)
        && matches!(cable.host, Host::RealServer(_))
    {
        netlink.set_mtu(cable.interface, mtu).await?;
    }
    for family in Family::BOTH {
        if let Some(gateway) = topology.gateway_of(cable, family) {
            let anywhere = (family.unspecified(), 0);
            netlink
                .add_route(anywhere, Some(gateway), cable.interface)
                .await?;
        }
    }
    Ok(())
}

/// Sets a real server up to serve VIPs, as any host is.
async fn serve_vips(topology: &Topology, index: u8) -> Result<()> {
    let vips = topology.vips().collect();
    let network = topology.real_server_network(index);
    let interfaces = [interface(Host::RealServer(index), network).to_owned()];
    real_server::carry_out(&real_server::plan(&vips, &interfaces)).await?;
    Ok(())
}

/// Writes down neighbours that cannot be asked for.
fn introduce(
    topology: &Topology,
    switch: &Namespace,
    hosts: &BTreeMap<Host, Arc<Namespace>>,
) -> Result<()> {
    for (knows, address, whose) in topology.known_neighbours() {
        let mac = hosts[&whose].link(interface(whose, Network::Client))?.mac;
        let (namespace, link) = match knows {
            Knows::Host(host) => (&*hosts[&host], interface(host, Network::Client)),
            Knows::Router => (switch, Network::Client.bridge()),
        };
        namespace
            .block_on(async || Ok(Netlink::open()?.add_neighbour(link, address, mac).await?))?;
    }
    Ok(())
}

/// Attaches what the switch's ports need so that directors get and send frames by XDP.
fn attach_helpers(
    topology: &Topology,
    switch: &Namespace,
    cables: &[Cable],
) -> Result<Vec<Helper>> {
    let mut helpers = Vec::new();
    for cable in cables {
        match cable.host {
            Host::Director(_) => helpers.push(Helper::pass(switch, &cable.port)?),
            Host::Client(_) => {
                if let Some(vlan) = topology.vlan() {
                    let to = Host::Director(0).port(Network::Client);
                    helpers.push(Helper::tag(switch, &cable.port, vlan, &to)?);
                }
            }
            Host::RealServer(_) => {}
        }
    }
    Ok(helpers)
}

/// Writes a kernel setting of the calling thread's namespace.
fn set(name: &str, value: &str) -> Result<()> {
    fs::write(format!("/proc/sys/{name}"), value)
        .with_context(|| format!("failed to set {name} to {value}"))
}

impl Family {
    fn unspecified(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::from([0; 4]),
            Self::V6 => IpAddr::from([0; 16]),
        }
    }
}
