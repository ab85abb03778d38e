//! The internet checksum and the pseudo-headers it covers.

use std::net::IpAddr;

/// The internet checksum of some bytes (RFC 1071), as it is written into a header whose checksum field
/// was zero. Over a header with its checksum in place it is 0.
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    let mut sum = bytes
        .chunks(2)
        .map(|pair| {
            u64::from(u16::from_be_bytes([
                pair[0],
                pair.get(1).copied().unwrap_or(0),
            ]))
        })
        .sum::<u64>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The checksum of a TCP, UDP or ICMPv6 message with its pseudo-header (RFC 9293 section 3.1, RFC 8200
/// section 8.1).
pub(super) fn with_pseudo_header(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    message: &[u8],
) -> u16 {
    let length = u32::try_from(message.len()).expect("a message is shorter than 4 GiB");
    let mut covered = Vec::with_capacity(40 + message.len());
    for address in [source, destination] {
        match address {
            IpAddr::V4(address) => covered.extend(address.octets()),
            IpAddr::V6(address) => covered.extend(address.octets()),
        }
    }
    covered.extend(length.to_be_bytes());
    covered.extend([0, 0, 0, protocol]);
    covered.extend(message);
    internet_checksum(&covered)
}
