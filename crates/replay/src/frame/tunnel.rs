//! Packets in packets.

use super::{Malformed, Packet, checksum};

/// What is wrong with the checksums of a tunnel's packet, of the tunnel itself, and of the packet inside.
///
/// # Errors
/// When the tunnel's header or the packet inside is not whole, or says what IPVS never does.
pub(super) fn bad_checksums(outer: &Packet) -> Result<Vec<&'static str>, Malformed> {
    let mut bad = outer.bad.clone();
    if outer.fragment {
        return Ok(bad);
    }
    let body = &outer.body;
    let start = match outer.protocol {
        IPV4 | IPV6 => 0,
        GRE => {
            let flags = body.get(..2).ok_or(Malformed)?;
            match flags {
                [0, 0] => 4,
                [0x80, 0] => {
                    if checksum(body) != 0 {
                        bad.push("GRE checksum");
                    }
                    8
                }
                _ => return Err(Malformed),
            }
        }
        UDP => {
            // Version 0 and no control message: then the rest of the byte is the length of the options, in words.
            let options = *body.get(8).filter(|byte| **byte < 0x20).ok_or(Malformed)?;
            12 + usize::from(options) * 4
        }
        _ => return Err(Malformed),
    };
    bad.extend(Packet::parse(body.get(start..).ok_or(Malformed)?)?.bad);
    Ok(bad)
}

const IPV4: u8 = 4;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const GRE: u8 = 47;
