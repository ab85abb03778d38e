//! What somebody else makes of captured frames: tshark (Debian package `tshark`), which checks every checksum and length.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::Path,
    process::Command,
    time::SystemTime,
};

use dray_lab::{Direction, Frame};
use dray_testkit::frames;

/// A packet as tshark reads it: for each field what every header of the kind has there, the outermost first.
#[derive(Debug)]
pub(crate) struct Packet {
    fields: BTreeMap<&'static str, Vec<String>>,
}

/// The fields that scenes ask for, by tshark's names.
const FIELDS: [&str; 26] = [
    PROTOCOLS,
    LENGTH,
    "ip.src",
    "ip.dst",
    IPV4_LENGTH,
    "ip.checksum.status",
    "ipv6.src",
    "ipv6.dst",
    IPV6_LENGTH,
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.options",
    TCP_CHECKSUM,
    TCP_ALL_ONES,
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    UDP_CHECKSUM,
    "gre.checksum.status",
    "icmp.checksum.status",
    "icmp.mtu",
    "icmpv6.checksum.status",
    "icmpv6.mtu",
    MALFORMED,
    SEVERITY,
];

const PROTOCOLS: &str = "frame.protocols";
const LENGTH: &str = "frame.len";
const IPV4_LENGTH: &str = "ip.len";
const IPV6_LENGTH: &str = "ipv6.plen";
const TCP_CHECKSUM: &str = "tcp.checksum.status";
const TCP_ALL_ONES: &str = "tcp.checksum.ffff";
const UDP_CHECKSUM: &str = "udp.checksum.status";
const MALFORMED: &str = "_ws.malformed";
const SEVERITY: &str = "_ws.expert.severity";

/// What a checksum may be: right, or left out where the protocol allows that.
const SOUND: [&str; 2] = ["1", "3"];

/// The severity of tshark's errors, above that of warnings (a segment sent again, say).
const ERROR: u32 = 0x0080_0000;

/// Has tshark read whole frames.
pub(crate) fn decode<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> Vec<Packet> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&pcap(frames)).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tshark/headers.lua");
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file.path());
    command
        .arg("-X")
        .arg(format!("lua_script:{}", script.display()));
    for protocol in ["ip", "tcp", "udp"] {
        let check = format!("{protocol}.check_checksum:TRUE");
        command.args(["-o", &check]);
    }
    // A forwarded segment passes twice, so what a stream carries makes no sense.
    command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]);
    command.args(["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command
        .output()
        .expect("tshark (Debian package tshark; `cargo xtask setup` installs it)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(Packet::read).collect()
}

/// The frames as a file (draft-ietf-opsawg-pcap), without times.
fn pcap<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> Vec<u8> {
    const MAGIC: u32 = 0xa1b2_c3d4;
    const VERSION: u32 = 4 << 16 | 2;
    const LONGEST: u32 = 0xffff;
    const ETHERNET: u32 = 1;
    let mut file: Vec<u8> = [MAGIC, VERSION, 0, 0, LONGEST, ETHERNET]
        .map(u32::to_le_bytes)
        .concat();
    for frame in frames {
        let lengths = [frame.bytes.len(), frame.length].map(|length| length as u32);
        file.extend(
            [0, 0, lengths[0], lengths[1]]
                .map(u32::to_le_bytes)
                .concat(),
        );
        file.extend(&frame.bytes);
    }
    file
}

impl Packet {
    fn read(line: &str) -> Self {
        let values = line.split('\t').map(|values| {
            let values = values.split(',').filter(|value| !value.is_empty());
            values.map(str::to_owned).collect()
        });
        Self {
            fields: FIELDS.into_iter().zip(values).collect(),
        }
    }

    /// What the headers have in a field, the outermost first.
    pub(crate) fn all(&self, field: &str) -> &[String] {
        &self.fields[field]
    }

    /// What the one header that has the field has there.
    pub(crate) fn only(&self, field: &str) -> Option<&str> {
        match self.all(field) {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The source of its outermost IP header.
    pub(crate) fn source(&self) -> Option<&String> {
        self.outermost(["ip.src", "ipv6.src"])
    }

    /// The destination of its outermost IP header.
    pub(crate) fn destination(&self) -> Option<&String> {
        self.outermost(["ip.dst", "ipv6.dst"])
    }

    fn outermost(&self, [ipv4, ipv6]: [&str; 2]) -> Option<&String> {
        let is_ipv6 = self.headers().starts_with("ipv6");
        self.all(if is_ipv6 { ipv6 } else { ipv4 }).first()
    }

    /// The destination port of its TCP or UDP header.
    pub(crate) fn port_to(&self) -> Option<&String> {
        let mut ports = ["tcp.dstport", "udp.dstport"].into_iter();
        ports.find_map(|field| self.all(field).first())
    }

    /// The TCP connection that it is of, however it is wrapped: its two ends, the same from either side.
    pub(crate) fn connection(&self) -> Option<BTreeSet<(&str, &str)>> {
        const ENDS: [(&str, &str, &str); 2] = [
            ("ip.src", "ipv6.src", "tcp.srcport"),
            ("ip.dst", "ipv6.dst", "tcp.dstport"),
        ];
        let mut headers = self.headers().rsplit(':');
        let is_ipv6 = headers.find(|header| ["ip", "ipv6"].contains(header))? == "ipv6";
        let ends = ENDS.map(|(ipv4, ipv6, port)| {
            let address = self.all(if is_ipv6 { ipv6 } else { ipv4 }).last()?;
            Some((address.as_str(), self.all(port).last()?.as_str()))
        });
        ends.into_iter().collect()
    }

    /// Whether it is TCP's request for a connection, or the answer to one.
    pub(crate) fn is_syn(&self) -> bool {
        const SYN: u32 = 0x02;
        let flags = self
            .only("tcp.flags")
            .and_then(|text| text.strip_prefix("0x"));
        flags.is_some_and(|flags| u32::from_str_radix(flags, 16).unwrap() & SYN != 0)
    }

    /// Its headers, as `ip:ip:tcp`.
    pub(crate) fn headers(&self) -> &str {
        let all = self.only(PROTOCOLS).unwrap_or_default();
        all.strip_prefix("eth:ethertype:").unwrap_or(all)
    }

    /// Whether it is a TCP or UDP packet, however it is wrapped, and no error about one.
    pub(crate) fn is_of_a_flow(&self) -> bool {
        let mut headers = self.headers().split(':');
        let has_port = |header: &str| ["tcp", "udp"].contains(&header);
        !self.is_about_another() && headers.any(has_port)
    }

    /// Whether it is an ICMP message, which may quote another packet.
    fn is_about_another(&self) -> bool {
        let mut headers = self.headers().split(':');
        headers.any(|header| header.starts_with("icmp"))
    }

    /// The lengths of its IP packets: of the outermost, and of those inside it.
    pub(crate) fn lengths(&self) -> Vec<u32> {
        const IPV6: u32 = 40;
        let numbers = |field| {
            let values = self.all(field).iter();
            values.map(|value| value.parse::<u32>().unwrap())
        };
        let mut ipv4 = numbers(IPV4_LENGTH);
        let mut ipv6 = numbers(IPV6_LENGTH).map(|payload| payload + IPV6);
        let headers = self.headers().split(':');
        let length = |header| match header {
            "ip" => ipv4.next(),
            "ipv6" => ipv6.next(),
            _ => None,
        };
        headers.filter_map(length).collect()
    }

    /// Whether it is a tunnel over UDP whose own checksum is left out. IPv6 allows that to tunnels alone (RFC 6935), which tshark
    /// does not know.
    fn is_tunnel_without_checksum(&self, field: &str) -> bool {
        const LEFT_OUT: &str = "4";
        field == UDP_CHECKSUM
            && self.headers().starts_with("ipv6:udp:gue:")
            && self.all(field)[0] == LEFT_OUT
    }

    /// Whether it is TCP whose checksum is 0xffff where 0 was to be: Linux writes the one for the other in TCP as in UDP
    /// (`skb_checksum_help`), once in 65,536 packets, and to whoever adds up it is the same.
    fn is_all_ones(&self, field: &str) -> bool {
        field == TCP_CHECKSUM && !self.all(TCP_ALL_ONES).is_empty()
    }

    /// Nothing is wrong with it: every checksum, every length, every header.
    pub(crate) fn assert_sound(&self) {
        if let Some(fault) = self.fault() {
            panic!("{fault}: {self:?}");
        }
    }

    fn fault(&self) -> Option<&'static str> {
        const ETHERNET: u32 = 14;
        // What an ICMP error quotes in part cannot be summed up.
        let is_whole = !self.is_about_another();
        for (field, values) in &self.fields {
            let is_quoted = field.starts_with("tcp.") || field.starts_with("udp.");
            let is_summed = field.ends_with("checksum.status") && !self.is_all_ones(field);
            if is_summed && (is_whole || !is_quoted) {
                let tunnels = usize::from(self.is_tunnel_without_checksum(field));
                let mut statuses = values.iter().skip(tunnels).map(String::as_str);
                if !statuses.all(|status| SOUND.contains(&status)) {
                    return Some(field);
                }
            }
        }
        if !self.all(MALFORMED).is_empty() {
            return Some(MALFORMED);
        }
        let mut severities = self.all(SEVERITY).iter();
        let mut errs = || severities.any(|value| value.parse::<u32>().unwrap() >= ERROR);
        if is_whole && !self.is_tunnel_without_checksum(UDP_CHECKSUM) && errs() {
            return Some(SEVERITY);
        }
        let frame: u32 = self.only(LENGTH).unwrap().parse().unwrap();
        let outermost = self.lengths().first().copied();
        let fills = outermost.is_none_or(|packet| packet + ETHERNET == frame);
        (!fills).then_some(LENGTH)
    }
}

#[test]
fn a_damaged_byte_anywhere_in_a_tunnels_packet_is_noticed() {
    let client = "10.77.0.1:4711".parse().unwrap();
    let vip = "10.77.0.100:80".parse().unwrap();
    let inner = frames::Frame::tcp(client, vip).payload(b"data");
    let (director, real) = ("10.77.0.2".parse().unwrap(), "10.77.0.11".parse().unwrap());
    let sound = frames::Frame::ipip(director, real, &inner).bytes();
    // Ethernet and both IP headers, TCP's, data: all but the Ethernet addresses and the type is summed up.
    let damaged = (14..sound.len()).map(|at| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        captured(bytes)
    });
    let frames: Vec<_> = [captured(sound.clone())]
        .into_iter()
        .chain(damaged)
        .collect();
    let packets = decode(&frames);
    assert_eq!(packets.len(), frames.len());
    packets[0].assert_sound();
    assert_eq!(packets[0].headers(), "ip:ip:tcp:data");
    for (at, packet) in packets.iter().enumerate().skip(1) {
        assert!(packet.fault().is_some(), "byte {}: {packet:?}", at + 13);
    }
}

#[test]
fn all_ones_are_as_good_a_checksum_as_zero_in_tcp() {
    const CHECKSUM: usize = 14 + 20 + 16;
    let client = "10.77.0.1:4711".parse().unwrap();
    let vip = "10.77.0.100:80".parse().unwrap();
    let frame = |payload: &[u8]| frames::Frame::tcp(client, vip).payload(payload).bytes();
    // A payload that is the checksum without it makes the checksum 0.
    let mut bytes = frame(&frame(&[0; 2])[CHECKSUM..][..2]);
    assert_eq!(bytes[CHECKSUM..][..2], [0; 2]);
    let zero = captured(bytes.clone());
    bytes[CHECKSUM..][..2].fill(0xff);
    let all_ones = captured(bytes.clone());
    bytes[CHECKSUM] = 0xfe;
    let [zero, all_ones, wrong] = &decode(&[zero, all_ones, captured(bytes)])[..] else {
        panic!("three frames");
    };
    zero.assert_sound();
    all_ones.assert_sound();
    assert!(wrong.fault().is_some());
}

#[test]
fn what_a_flow_carries_is_not_looked_at() {
    const AMQP: u16 = 5672;
    let client = format!("10.77.0.1:{AMQP}").parse().unwrap();
    let vip = "10.77.0.100:80".parse().unwrap();
    let other = frames::Frame::tcp(client, vip).payload(&[1; 100]);
    for packet in decode(&[captured(other.bytes())]) {
        packet.assert_sound();
        assert_eq!(packet.headers(), "ip:tcp:data");
    }
}

fn captured(bytes: Vec<u8>) -> Frame {
    Frame {
        at: SystemTime::UNIX_EPOCH,
        direction: Direction::In,
        length: bytes.len(),
        vlan: None,
        bytes,
    }
}
