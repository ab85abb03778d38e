//! Datagrams larger than a packet: all their fragments reach the same real server.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use dray_lab::{Family, Lab, Topology, VirtualService};

use crate::site::{assert_nothing_dropped, service, start, vip};

#[test]
fn large_datagrams_arrive_whole_at_the_real_server_of_their_first_fragment() {
    const CLIENTS: usize = 12;
    let lab = Lab::up(Topology::one_arm(3).named("fragments")).unwrap();
    let director = lab.director(0);
    for family in Family::BOTH {
        let echo = VirtualService::udp("echo", family, PORT)
            .scheduler("rr")
            .weights(&[1, 1, 1]);
        start(director, director.config().service(echo));
        let vip = vip(&lab, 0, family, PORT);
        let servers: Vec<UdpSocket> = lab
            .real_servers()
            .iter()
            .map(|real_server| real_server.namespace().run(|| bind(vip)).unwrap())
            .collect();
        let clients: Vec<UdpSocket> = (0..CLIENTS)
            .map(|_| lab.client(0).namespace().run(|| connect(vip)).unwrap())
            .collect();
        for (number, client) in (0..).zip(&clients) {
            client.send(&datagram(number)).unwrap();
        }
        // In turn: each real server has as many as the others, and answers them.
        let mut got = BTreeMap::new();
        for (index, server) in servers.iter().enumerate() {
            for _ in 0..CLIENTS / servers.len() {
                let (number, client) = receive(server).unwrap();
                got.insert(number, index);
                server.send_to(&datagram(number), client).unwrap();
            }
        }
        assert_eq!(got.len(), CLIENTS);
        for (number, client) in (0..).zip(&clients) {
            assert_eq!(receive(client).unwrap().0, number);
            client.send(&datagram(number)).unwrap();
        }
        // And again, on connections that are there.
        for (index, server) in servers.iter().enumerate() {
            for _ in 0..CLIENTS / servers.len() {
                let (number, _) = receive(server).unwrap();
                assert_eq!(got[&number], index, "datagram {number}");
            }
        }
        assert_eq!(service(director).traffic.connections, CLIENTS as u64);
        assert_nothing_dropped(director);
        director.stop(&["--withdraw"]).unwrap();
    }
}

const PORT: u16 = 5_000;
const BYTES: usize = 4_096;

/// A datagram that tells its number in every byte.
fn datagram(number: u8) -> Vec<u8> {
    vec![number; BYTES]
}

/// The number of the next datagram, which is whole, and who sent it.
fn receive(socket: &UdpSocket) -> Result<(u8, SocketAddr)> {
    let mut buffer = [0; BYTES + 1];
    let (bytes, from) = socket
        .recv_from(&mut buffer)
        .context("a datagram did not arrive")?;
    let number = buffer[0];
    ensure!(
        buffer[..bytes] == datagram(number),
        "{bytes} bytes of datagram {number} arrived, or those of another"
    );
    Ok((number, from))
}

fn bind(address: SocketAddr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(socket)
}

fn connect(address: SocketAddr) -> Result<UdpSocket> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => [0; 4].into(),
        SocketAddr::V6(_) => [0; 16].into(),
    };
    let socket = bind((any, 0).into())?;
    socket.connect(address)?;
    Ok(socket)
}
