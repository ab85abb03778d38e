//! Packets: of new connections, of known ones, about them, and odd ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dray_replay::{
    Endpoint,
    frame::{IpFields, ip_packet, packet},
    scenario::{
        About, IcmpKind, Kind, PacketStep, Payload, Reply, Segment, ServiceName, Step, TcpFlags,
    },
};

use super::{
    Drawing,
    world::{self, is_ipv6},
};

/// A connection, or what may be one, as a client sees it.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    protocol: Protocol,
    client: Endpoint,
    service: Endpoint,
    /// The number of the service that the address is for.
    number: usize,
    /// The step of its newest packet.
    step: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// What follows a SYN, likely things more often.
const TCP_LATER: &[(usize, &str)] = &[
    (10, "A"),
    (6, "PA"),
    (6, "FA"),
    (3, "F"),
    (6, "R"),
    (3, "RA"),
    (8, "S"),
    (2, "SA"),
    (1, "SF"),
    (1, "SR"),
    (1, "P"),
    (1, "U"),
    (1, ""),
    (1, "FSRPAU"),
    (1, "FPU"),
];

/// What begins a connection, or should not.
const TCP_FIRST: &[(usize, &str)] = &[
    (30, "S"),
    (2, "SA"),
    (1, "SF"),
    (1, "SR"),
    (3, "A"),
    (1, "FA"),
    (1, "R"),
    (1, ""),
];

/// What a real server answers.
const TCP_REPLY: &[(usize, &str)] = &[
    (6, "SA"),
    (5, "A"),
    (3, "FA"),
    (2, "R"),
    (2, "PA"),
    (1, "S"),
];

/// SCTP's chunk types (RFC 9260 section 3.2): one that no one knows among them.
const CHUNKS: &[(usize, u8)] = &[
    (3, 0),
    (4, 1),
    (1, 2),
    (1, 3),
    (1, 4),
    (2, 6),
    (2, 7),
    (2, 8),
    (1, 9),
    (3, 10),
    (1, 11),
    (1, 12),
    (1, 13),
    (2, 14),
    (1, 99),
];

impl Drawing {
    pub(super) fn new_flow(&mut self) {
        let at = self.chance.below(self.world.services.len());
        let name = self.world.services[at].name;
        let ipv6 = is_ipv6(&name);
        let number = u32::try_from(at).expect("there are few services");
        let (protocol, service) = match name {
            ServiceName::Tcp(to) => (Protocol::Tcp, self.at_port(to)),
            ServiceName::Udp(to) => (Protocol::Udp, self.at_port(to)),
            ServiceName::Sctp(to) => (Protocol::Sctp, to),
            ServiceName::Mark(_) | ServiceName::Mark6(_) => {
                let address = world::marked(&mut self.chance, number, ipv6);
                let port = *self.chance.one_of(&[80, 80, 443, 8080]);
                let protocol = self
                    .chance
                    .weighted(&[(6, Protocol::Tcp), (4, Protocol::Udp)]);
                (protocol, Endpoint::new(address, port))
            }
        };
        // Sometimes a port where nothing is, or where only FTP's and catch-all services look.
        let service = match self.chance.below(30) {
            0 => Endpoint::new(service.address, 81),
            1 => Endpoint::new(service.address, 20),
            2 => Endpoint::new(service.address, 2048),
            _ => service,
        };
        let client = self.client(ipv6);
        let kind = self.first(protocol);
        self.send(at, protocol, kind, (client, service));
    }

    fn at_port(&mut self, service: Endpoint) -> Endpoint {
        match service.port() {
            0 => Endpoint::new(service.address, *self.chance.one_of(&[80, 443, 21, 5000])),
            _ => service,
        }
    }

    /// One of few clients, so that networks, hosts and even ports come again.
    fn client(&mut self, ipv6: bool) -> Endpoint {
        let chance = &mut self.chance;
        let (network, host) = (chance.between(0, 2), chance.between(1, 6));
        let address = if ipv6 {
            let network = 0x2001_0db8_0000_0100 + u128::from(network);
            IpAddr::V6(Ipv6Addr::from_bits(
                network << 64 | u128::from(host * 0x0001_0003),
            ))
        } else {
            let networks = [0xc000_0200, 0xc633_6400, 0xcb00_7100];
            IpAddr::V4(Ipv4Addr::from_bits(
                networks[usize::try_from(network).expect("of three")] + host * 37,
            ))
        };
        let port = match chance.below(40) {
            0 => 20,
            1..12 => 40000,
            _ => u16::try_from(chance.between(1024, 65535)).expect("a port"),
        };
        Endpoint::new(address, port)
    }

    fn first(&mut self, protocol: Protocol) -> Kind {
        match protocol {
            Protocol::Tcp => tcp(self.chance.weighted(TCP_FIRST)),
            Protocol::Udp => Kind::Udp,
            Protocol::Sctp if self.chance.percent(80) => Kind::Sctp(1),
            Protocol::Sctp => Kind::Sctp(self.chance.weighted(CHUNKS)),
        }
    }

    pub(super) fn known_flow(&mut self) {
        let Some(flow) = self.flow() else {
            return self.new_flow();
        };
        let kind = match flow.protocol {
            Protocol::Tcp => tcp(self.chance.weighted(TCP_LATER)),
            Protocol::Udp => Kind::Udp,
            Protocol::Sctp => Kind::Sctp(self.chance.weighted(CHUNKS)),
        };
        self.send(
            flow.number,
            flow.protocol,
            kind,
            (flow.client, flow.service),
        );
    }

    /// A flow, recent ones more often.
    fn flow(&mut self) -> Option<Flow> {
        if self.flows.is_empty() {
            return None;
        }
        let recent = if self.chance.percent(60) {
            4
        } else {
            self.flows.len()
        };
        let first = self.flows.len().saturating_sub(recent);
        Some(self.chance.one_of(&self.flows[first..]).clone())
    }

    /// Sends a packet of a flow to service `number`, from a client to an address of the service's.
    fn send(
        &mut self,
        number: usize,
        protocol: Protocol,
        kind: Kind,
        (client, service): (Endpoint, Endpoint),
    ) {
        let again = self.flows.iter().any(|flow| {
            flow.protocol == protocol && flow.client == client && flow.service == service
        });
        let mut segment = Segment::new(kind.clone(), client, Some(service));
        match self.chance.below(40) {
            0 => segment.ttl = Some(1),
            1 => segment.ttl = Some(2),
            2 => segment.length = Some(100),
            3 => segment.tos = Some(0xb8),
            4 if client.address.is_ipv4() => segment.may_fragment = true,
            _ => {}
        }
        self.flows.push(Flow {
            protocol,
            client,
            service,
            number,
            step: self.steps.len(),
        });
        self.push(Payload::Segment(segment));
        // A connection that this packet replaces, or ends, is counted for a tick more.
        if again {
            self.settle();
        }
    }

    pub(super) fn reply(&mut self) {
        let Some(flow) = self.flow() else {
            return self.new_flow();
        };
        // What a real server takes out of a tunnel it answers itself.
        if self.world.has_tunnels(flow.number) {
            return self.known_flow();
        }
        let kind = match flow.protocol {
            Protocol::Tcp => tcp(self.chance.weighted(TCP_REPLY)),
            Protocol::Udp => Kind::Udp,
            Protocol::Sctp => return self.known_flow(),
        };
        self.push(Payload::Reply(Reply {
            to: flow.step,
            kind,
            observed: None,
        }));
    }

    /// An ICMP error about a packet that a real server may have sent.
    pub(super) fn icmp_error(&mut self) {
        let Some(flow) = self.flow() else {
            return self.new_flow();
        };
        let ipv6 = flow.client.address.is_ipv6();
        let mut client = flow.client;
        if self.chance.percent(20) {
            client = self.client(ipv6);
        }
        let answer = match flow.protocol {
            Protocol::Tcp => tcp("A"),
            Protocol::Udp => Kind::Udp,
            Protocol::Sctp => Kind::Sctp(0),
        };
        let kinds: &[(u8, u8)] = if ipv6 {
            &[(1, 4), (1, 0), (2, 0), (3, 0)]
        } else {
            &[(3, 3), (3, 4), (3, 1), (11, 0), (4, 0)]
        };
        let (number, code) = *self.chance.one_of(kinds);
        let mut quoted = Segment::new(answer, flow.service, Some(client));
        quoted.length = Some(20);
        // From the client, or from a router on the way.
        let mut from = client;
        if self.chance.percent(50) {
            from = self.client(ipv6);
        }
        let at = |address| Endpoint {
            address,
            port: None,
        };
        let mut error = Segment::new(
            Kind::Icmp(IcmpKind { number, code }),
            at(from.address),
            Some(at(flow.service.address)),
        );
        let too_big = matches!((ipv6, number, code), (false, 3, 4) | (true, 2, 0));
        error.rest = too_big.then_some(1400);
        error.about = Some(Box::new(About {
            payload: Payload::Segment(quoted),
            quote: None,
        }));
        self.push(Payload::Segment(error));
    }

    /// A packet that is no ordinary one of a connection.
    pub(super) fn odd_packet(&mut self) {
        let at = self.chance.below(self.world.services.len());
        let name = self.world.services[at].name;
        let ipv6 = is_ipv6(&name);
        let number = u32::try_from(at).expect("there are few services");
        let vip = name
            .vip()
            .unwrap_or_else(|| world::marked(&mut self.chance, number, ipv6));
        let client = self.client(ipv6);
        match self.chance.below(4) {
            0 => self.echo(client.address, vip),
            1 => self.unserved(client, vip),
            2 if ipv6 => self.extended(client, vip),
            2 => self.with_options(client, vip),
            _ => self.short(client, vip),
        }
    }

    fn echo(&mut self, client: IpAddr, vip: IpAddr) {
        let at = |address| Endpoint {
            address,
            port: None,
        };
        let number = if vip.is_ipv6() { 128 } else { 8 };
        let kind = Kind::Icmp(IcmpKind { number, code: 0 });
        let mut echo = Segment::new(kind, at(client), Some(at(vip)));
        echo.length = Some(20);
        self.push(Payload::Segment(echo));
    }

    fn unserved(&mut self, client: Endpoint, vip: IpAddr) {
        let kind = if self.chance.percent(50) {
            tcp("S")
        } else {
            Kind::Udp
        };
        let to = Endpoint::new(vip, 9999);
        self.push(Payload::Segment(Segment::new(kind, client, Some(to))));
    }

    /// IPv6 with options for the destination before a UDP header. With TCP and SCTP the kernel of the recordings reads
    /// its states at the wrong place, so theirs are left out.
    fn extended(&mut self, client: Endpoint, vip: IpAddr) {
        let port = self.port_of_a_service();
        let plain = Segment::new(Kind::Udp, client, Some(Endpoint::new(vip, port)));
        let whole = packet(&plain, None).expect("a small packet of one family");
        let (head, udp) = whole.split_at(40);
        // Eight bytes, padded (RFC 8200 section 4.2).
        let mut content = vec![head[6], 0, 1, 4, 0, 0, 0, 0];
        content.extend(udp);
        const DESTINATION_OPTIONS: u8 = 60;
        let fields = IpFields {
            ttl: 64,
            tos: 0,
            identification: 0,
            fragment: 0,
        };
        self.push(Payload::Raw(ip_packet(
            (client.address, vip),
            DESTINATION_OPTIONS,
            &content,
            fields,
        )));
    }

    /// IPv4 with options, which mean nothing (RFC 791 section 3.1, "no operation").
    fn with_options(&mut self, client: Endpoint, vip: IpAddr) {
        let port = self.port_of_a_service();
        let kind = if self.chance.percent(50) {
            tcp("S")
        } else {
            Kind::Udp
        };
        let plain = Segment::new(kind, client, Some(Endpoint::new(vip, port)));
        let whole = packet(&plain, None).expect("a small packet of one family");
        let (head, rest) = whole.split_at(20);
        let mut head = head.to_vec();
        head[0] = 0x46;
        let length = u16::try_from(whole.len() + 4).expect("a small packet");
        head[2..4].copy_from_slice(&length.to_be_bytes());
        head[10..12].fill(0);
        head.extend([1, 1, 1, 1]);
        let sum = dray_replay::frame::checksum(&head);
        head[10..12].copy_from_slice(&sum.to_be_bytes());
        head.extend(rest);
        self.push(Payload::Raw(head));
    }

    /// A packet that ends before its transport header does.
    fn short(&mut self, client: Endpoint, vip: IpAddr) {
        let port = self.port_of_a_service();
        let kind = if self.chance.percent(70) {
            tcp("S")
        } else {
            Kind::Udp
        };
        let plain = Segment::new(kind.clone(), client, Some(Endpoint::new(vip, port)));
        let whole = packet(&plain, None).expect("a small packet of one family");
        let header = if vip.is_ipv6() { 40 } else { 20 };
        let protocol = if kind == Kind::Udp { 17 } else { 6 };
        let left = self.chance.below(whole.len() - header);
        let fields = IpFields {
            ttl: 64,
            tos: 0,
            identification: 0,
            fragment: 0x4000,
        };
        self.push(Payload::Raw(ip_packet(
            (client.address, vip),
            protocol,
            &whole[header..header + left],
            fields,
        )));
    }

    fn port_of_a_service(&mut self) -> u16 {
        match self.chance.one_of(&self.world.services).name {
            ServiceName::Tcp(at) | ServiceName::Udp(at) | ServiceName::Sctp(at)
                if at.port() != 0 =>
            {
                at.port()
            }
            _ => 80,
        }
    }

    fn push(&mut self, payload: Payload) {
        let mut step = PacketStep::new(payload);
        if matches!(step.payload, Payload::Reply(_)) {
            step.from = dray_replay::scenario::Side::Real;
        }
        step.frames = self.chance.percent(20);
        self.steps.push(Step::Packet(step));
    }
}

fn tcp(flags: &str) -> Kind {
    Kind::Tcp(TcpFlags::new(flags).expect("flags of TCP, each once"))
}
