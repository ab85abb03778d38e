//! ICMP: what belongs to the host, what belongs to a real server, and what the director says itself.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    os::fd::OwnedFd,
    time::Duration,
};

use anyhow::{Context as _, Result};
use dray_lab::{
    Client, Direction, Family, Lab, Namespace, Network, Topology, VirtualService, wait,
};
use dray_testkit::frames::{Frame, IcmpError};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketType, ipproto, recv, sendto, socket, sockopt,
};

use crate::site::{assert_nothing_dropped, connections, reasons, start, vip, web};

#[test]
fn an_echo_to_a_vip_is_answered() {
    let lab = Lab::up(Topology::one_arm(1).named("echo")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    for family in Family::BOTH {
        start(director, director.config().service(web(family, &[1])));
        let vip = lab.topology().vip(0, family);
        echo(lab.client(0), lab.topology().client(0, family), vip).unwrap();
        assert_nothing_dropped(director);
        director.stop(&["--withdraw"]).unwrap();
    }
}

#[test]
fn a_client_without_a_real_server_is_refused_at_once() {
    let lab = Lab::up(Topology::one_arm(1).named("refused")).unwrap();
    let director = lab.director(0);
    let config = Family::BOTH
        .into_iter()
        .fold(director.config(), |config, family| {
            let version = match family {
                Family::V4 => "4",
                Family::V6 => "6",
            };
            config
                .service(VirtualService::tcp(&format!("web{version}"), family, 80))
                .service(VirtualService::udp(&format!("dns{version}"), family, 53))
        });
    for (answer, reason) in [("icmp", "unreachable"), ("reset", "reset")] {
        let answer = format!("\"{answer}\"");
        start(director, config.clone().ipvs("no_destination", answer));
        for family in Family::BOTH {
            let namespace = lab.client(0).namespace();
            let tcp = namespace.run(|| {
                let refused = TcpStream::connect(vip(&lab, 0, family, 80));
                Ok(refused.map_err(|error| error.kind()).err())
            });
            assert_eq!(tcp.unwrap(), Some(ErrorKind::ConnectionRefused));
            let udp = namespace.run(|| ask_in_vain(vip(&lab, 0, family, 53)));
            assert_eq!(udp.unwrap(), ErrorKind::ConnectionRefused);
        }
        let counted = reasons(director);
        assert!(counted.contains_key(reason), "{reason}: {counted:?}");
        director.stop(&["--withdraw"]).unwrap();
    }
}

#[test]
fn that_a_packet_is_too_big_reaches_the_real_server_that_sent_it() {
    let lab = Lab::up(Topology::one_arm(3).named("too-big")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    for family in Family::BOTH {
        let web = web(family, &[1, 1, 1]);
        start(director, director.config().service(web));
        let vip = vip(&lab, 0, family, 80);
        let namespace = lab.client(0).namespace();
        let mut connection = namespace.run(|| Ok(TcpStream::connect(vip)?)).unwrap();
        let client = connection.local_addr().unwrap();
        let network = format!("{}", client.ip());
        let listed = connections(director, &["--client", &network]).connections;
        let real = listed[0].real.unwrap();
        let real_server = (0..3)
            .find(|index| lab.topology().real_server(*index, family) == real)
            .map(|index| lab.real_server(index))
            .unwrap();

        let message = too_big(vip, client);
        let before = told_too_big(real_server.namespace(), family).unwrap();
        let capture = lab.capture_at_director(0, Network::Client).unwrap();
        namespace
            .run(|| {
                let socket = icmp_socket(family)?;
                sendto(
                    &socket,
                    &message,
                    SendFlags::empty(),
                    &SocketAddr::new(vip.ip(), 0),
                )?;
                Ok(())
            })
            .unwrap();
        wait::until("the real server to be told", || {
            let now = told_too_big(real_server.namespace(), family)?;
            Ok((now > before).then_some(()))
        })
        .unwrap();
        let mac = real_server.namespace().link("eth0").unwrap().mac.0;
        let forwarded = capture
            .stop()
            .unwrap()
            .into_iter()
            .filter(|frame| frame.direction == Direction::In && frame.bytes.ends_with(&message))
            .map(|frame| frame.bytes[..6].to_vec())
            .collect::<Vec<_>>();
        assert_eq!(forwarded, [mac], "one, to the real server");

        // The connection is none the worse for it.
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with(&format!("{}\n", real_server.name())));
        assert_nothing_dropped(director);
        director.stop(&["--withdraw"]).unwrap();
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

/// Sends one echo request, and waits for its answer.
fn echo(client: &Client, from: IpAddr, to: IpAddr) -> Result<()> {
    const IDENTIFIER: [u8; 2] = [0xd7, 0xa1];
    let (request, reply, family) = match to {
        IpAddr::V4(_) => (8, 0, Family::V4),
        IpAddr::V6(_) => (128, 129, Family::V6),
    };
    let [high, low] = IDENTIFIER;
    let request = Frame::icmp(from, to, request, 0, [high, low, 0, 1]).payload(&[7; 56]);
    client.namespace().run(|| {
        let socket = icmp_socket(family)?;
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
        let to = SocketAddr::new(to, 0);
        sendto(&socket, &message(&request), SendFlags::empty(), &to)?;
        loop {
            let mut buffer = [0; 256];
            let (bytes, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())
                .context("no answer to an echo request")?;
            // Over IPv4 with the IP header.
            let start = if family == Family::V4 { 20 } else { 0 };
            let found = &buffer[start..bytes.max(start)];
            if found.first() == Some(&reply) && found.get(4..6) == Some(&IDENTIFIER) {
                return Ok(());
            }
        }
    })
}

/// What becomes of a question to nobody.
fn ask_in_vain(address: SocketAddr) -> Result<ErrorKind> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => [0; 4].into(),
        SocketAddr::V6(_) => [0; 16].into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(address)?;
    socket.send(b"?")?;
    let error = socket.recv(&mut [0; 8]).err().context("an answer came")?;
    Ok(error.kind())
}

/// A router's message about a packet of the real server to the client.
fn too_big(vip: SocketAddr, client: SocketAddr) -> Vec<u8> {
    let about = Frame::tcp(vip, client).payload(&[0; 1_400]);
    let error = IcmpError::TooBig(1_300);
    message(&Frame::icmp_error(client.ip(), vip.ip(), error, &about))
}

/// The ICMP message of a frame.
fn message(frame: &Frame) -> Vec<u8> {
    frame.bytes().split_off(frame.transport_offset())
}

fn icmp_socket(family: Family) -> Result<OwnedFd> {
    let (family, protocol) = match family {
        Family::V4 => (AddressFamily::INET, ipproto::ICMP),
        Family::V6 => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    Ok(socket(family, SocketType::RAW, Some(protocol))?)
}

/// How many such messages a host's stack has had.
fn told_too_big(namespace: &Namespace, family: Family) -> Result<u64> {
    namespace.run(|| match family {
        Family::V4 => {
            let text = fs::read_to_string("/proc/thread-self/net/snmp")?;
            let mut lines = text.lines().filter(|line| line.starts_with("Icmp:"));
            let (names, values) = (lines.next(), lines.next());
            let names = names.context("no names")?.split_whitespace();
            let values = values.context("no values")?.split_whitespace();
            let value = names
                .zip(values)
                .find(|(name, _)| *name == "InDestUnreachs");
            Ok(value.context("no such counter")?.1.parse()?)
        }
        Family::V6 => {
            let text = fs::read_to_string("/proc/thread-self/net/snmp6")?;
            let line = text
                .lines()
                .find(|line| line.starts_with("Icmp6InPktTooBigs"));
            let value = line.and_then(|line| line.split_whitespace().nth(1));
            Ok(value.context("no such counter")?.parse()?)
        }
    })
}
