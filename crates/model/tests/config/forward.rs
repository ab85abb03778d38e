//! What forwarding methods, and what belongs to them, mean.

use std::{net::SocketAddr, num::NonZeroU16, sync::Arc};

use dray_model::{ClientAddress, Forward, Service, Tunnel, TunnelChecksum, TunnelSource};

use crate::read;

/// A director with local addresses, and these services.
fn services(text: &str) -> Vec<Arc<Service>> {
    let director = "[director]\ninterfaces = ['eth0']\n\
                    [director.fullnat]\naddresses = ['10.0.0.9', '2001:db8::9']\n";
    read(&format!("{director}{text}")).services
}

/// The real servers of the only service: where, and how.
fn reals(text: &str) -> Vec<(String, Forward)> {
    let [service] = &services(text)[..] else {
        panic!("one service: {text}")
    };
    let real = |real: &dray_model::RealServer| {
        let address = SocketAddr::new(real.address, real.port).to_string();
        (address, real.forward)
    };
    service.reals.iter().map(real).collect()
}

fn gue(port: u16, checksum: TunnelChecksum) -> Forward {
    let port = NonZeroU16::new(port).expect("not zero");
    Forward::Tunnel(Tunnel::Gue { port, checksum })
}

#[test]
fn a_service_mixes_local_real_servers_with_tunnels_to_another_region() {
    let found = reals(
        "[[service]]\nname = 'web'\naddress = 'tcp://10.0.0.1:80'\n\
         [[service.real]]\naddress = '10.0.1.1'\n\
         [[service.real]]\naddress = '10.0.1.2:80'\n\
         [[service.real]]\naddress = '10.9.0.1'\nforward = 'tun'\n\
         [[service.real]]\naddress = '2001:db8:9::1'\nforward = 'tun'\ntunnel = 'gue'\n\
         [[service.real]]\naddress = '10.9.0.3:8080'\nforward = 'fullnat'\n",
    );
    let expected = [
        ("10.0.1.1:80", Forward::DirectRouting),
        ("10.0.1.2:80", Forward::DirectRouting),
        ("10.9.0.1:80", Forward::Tunnel(Tunnel::IpIp)),
        ("[2001:db8:9::1]:80", gue(6080, TunnelChecksum::None)),
        ("10.9.0.3:8080", Forward::FullNat),
    ];
    assert_eq!(found, expected.map(|(at, how)| (at.to_owned(), how)));
}

#[test]
fn real_servers_take_over_what_they_do_not_say_of_a_tunnel() {
    let found = reals(
        "[[service]]\nname = 'web'\naddress = 'tcp://10.0.0.1:80'\nforward = 'tun'\ntunnel = 'gue'\n\
         tunnel_port = 7000\ntunnel_checksum = true\n\
         [[service.real]]\naddress = '10.9.0.1'\n\
         [[service.real]]\naddress = '10.9.0.2'\ntunnel_port = 7001\n\
         [[service.real]]\naddress = '10.9.0.3'\ntunnel = 'gre'\n\
         [[service.real]]\naddress = '10.9.0.4'\ntunnel = 'ipip'\n\
         [[service.real]]\naddress = '10.9.0.5'\ntunnel_checksum = false\n\
         [[service.real]]\naddress = '10.9.0.6'\nforward = 'dr'\n",
    );
    let methods: Vec<_> = found.into_iter().map(|(_, forward)| forward).collect();
    let checksum = TunnelChecksum::Full;
    let expected = [
        gue(7000, checksum),
        gue(7001, checksum),
        Forward::Tunnel(Tunnel::Gre { checksum }),
        Forward::Tunnel(Tunnel::IpIp),
        gue(7000, TunnelChecksum::None),
        Forward::DirectRouting,
    ];
    assert_eq!(methods, expected);
}

#[test]
fn one_address_may_be_several_real_servers_by_its_ports() {
    let found = reals(
        "[[service]]\nname = 'web'\naddress = 'tcp://10.0.0.1:80'\nforward = 'nat'\n\
         real = [{ address = '10.0.1.1' }, { address = '10.0.1.1:8080' }, { address = '10.0.1.1:8081' }]",
    );
    let places: Vec<_> = found.into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["10.0.1.1:80", "10.0.1.1:8080", "10.0.1.1:8081"]);
}

#[test]
fn without_a_port_of_its_own_a_real_server_of_a_mark_has_that_of_the_connection() {
    let marked = "[[mark]]\nmark = 5\ndestination = ['10.0.0.1']\n\
                  [[service]]\nname = 'all'\nmark = 5\nforward = 'nat'\n\
                  real = [{ address = '10.0.1.1' }, { address = '10.0.1.2:8080' }]";
    let found = reals(marked);
    assert_eq!(found[0].0, "10.0.1.1:0");
    assert_eq!(found[1].0, "10.0.1.2:8080");
}

#[test]
fn what_real_servers_learn_of_the_client_is_the_services_choice() {
    let told = |lines: &str| {
        let text = format!(
            "[[service]]\nname = 'web'\naddress = 'tcp://10.0.0.1:80'\nforward = 'fullnat'\n{lines}"
        );
        services(&text)[0].client_address
    };
    assert_eq!(told(""), ClientAddress::Hidden);
    assert_eq!(told("client_address = 'hidden'"), ClientAddress::Hidden);
    let toa = |kind| ClientAddress::TcpOption { kind };
    assert_eq!(told("client_address = 'toa'"), toa(254));
    let own = "client_address = 'toa'\ntoa_option = 200";
    assert_eq!(told(own), toa(200));
}

#[test]
fn ranges_of_local_addresses_are_all_their_addresses() {
    let fullnat = read(
        "[director]\ninterfaces = ['eth0']\n[director.fullnat]\nports = '2000-2999'\n\
         addresses = ['10.0.0.255-10.0.1.1', '10.0.0.9', '2001:db8::fffe-2001:db8::1:1']",
    )
    .director
    .fullnat;
    let addresses: Vec<_> = fullnat.addresses.iter().map(ToString::to_string).collect();
    let expected = [
        "10.0.0.255",
        "10.0.1.0",
        "10.0.1.1",
        "10.0.0.9",
        "2001:db8::fffe",
        "2001:db8::ffff",
        "2001:db8::1:0",
        "2001:db8::1:1",
    ];
    assert_eq!(addresses, expected);
    assert_eq!(fullnat.ports, 2000..=2999);
}

#[test]
fn there_may_be_256_local_addresses_of_each_family() {
    let fullnat = read(
        "[director]\ninterfaces = ['eth0']\n[director.fullnat]\n\
         addresses = ['10.0.0.1-10.0.1.0', '2001:db8::-2001:db8::ff']",
    )
    .director
    .fullnat;
    assert_eq!(fullnat.addresses.len(), 512);
}

#[test]
fn a_tunnels_source_is_one_address_or_varies_in_its_low_bits() {
    let tunnels = read(
        "[director]\ninterfaces = ['eth0']\n\
         [director.tunnel]\nsource4 = '172.16.0.0/18'\nsource6 = '2001:db8::2'",
    )
    .director
    .tunnels;
    let source = |address: &str, spread| TunnelSource {
        address: address.parse().expect("an address"),
        spread,
    };
    assert_eq!(tunnels.ipv4, Some(source("172.16.0.0", 14)));
    assert_eq!(tunnels.ipv6, Some(source("2001:db8::2", 0)));
}
