//! What is random in a frame.

use std::net::{Ipv4Addr, Ipv6Addr};

const UDP: u8 = 17;

/// The frame less what is random: the IP identification and the IPv6 flow label of packets that the director makes itself,
/// the source port of a GUE tunnel, and the checksums over them.
pub fn mask(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    match frame.get(12..14) {
        Some([0x08, 0x00]) if frame.len() >= 34 => {
            frame[18..20].fill(0);
            frame[24..26].fill(0);
            let source = Ipv4Addr::new(frame[26], frame[27], frame[28], frame[29]);
            if frame[23] == UDP && source == Ipv4Addr::new(10, 254, 0, 1) && frame.len() >= 42 {
                frame[34..36].fill(0);
                frame[40..42].fill(0);
            }
        }
        Some([0x86, 0xdd]) if frame.len() >= 54 => {
            frame[15] &= 0xf0;
            frame[16..18].fill(0);
            let tunnel = Ipv6Addr::new(0xfd00, 0x254, 0, 0, 0, 0, 0, 1).octets();
            if frame[20] == UDP && frame[22..38] == tunnel && frame.len() >= 62 {
                frame[54..56].fill(0);
                frame[60..62].fill(0);
            }
        }
        _ => {}
    }
    frame
}
