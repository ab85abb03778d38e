//! A real server's answer to a frame that it was sent.

const ETHERNET: usize = 14;
const TCP: u8 = 6;
const SCTP: u8 = 132;

/// The frame that goes back: Ethernet and IP addresses and ports swapped, and, where it is TCP, `flags` in the place of
/// the flags. The frame was forwarded by the kernel, so its headers are whole.
pub(crate) fn to(frame: &[u8], flags: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let (ethernet, packet) = frame.split_at_mut(ETHERNET);
    swap(ethernet, 0, 6);
    let (protocol, header) = if packet[0] >> 4 == 6 {
        swap(packet, 8, 16);
        (packet[6], 40)
    } else {
        swap(packet, 12, 4);
        (packet[9], usize::from(packet[0] & 15) * 4)
    };
    let segment = &mut packet[header..];
    swap(segment, 0, 2);
    if protocol == TCP {
        // Swapping changes no such checksum; the flags do (RFC 1624, equation 3).
        let old = u16::from_be_bytes([segment[16], segment[17]]);
        let mut sum = u32::from(!old) + u32::from(!u16::from(segment[13])) + u32::from(flags);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        segment[13] = flags;
        let checksum = !u16::try_from(sum).expect("the carries are folded in");
        segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    }
    if protocol == SCTP {
        segment[8..12].fill(0);
        let checksum = crc32c(segment);
        segment[8..12].copy_from_slice(&checksum.to_le_bytes());
    }
    frame
}

/// SCTP's checksum (RFC 9260 appendix A), to be written lowest byte first.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| {
        if sum & 1 == 0 {
            sum >> 1
        } else {
            sum >> 1 ^ 0x82f6_3b78
        }
    };
    !bytes
        .iter()
        .fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

/// Swaps the two neighbours of `length` bytes each that begin at `at`.
fn swap(bytes: &mut [u8], at: usize, length: usize) {
    let (left, right) = bytes[at..at + 2 * length].split_at_mut(length);
    left.swap_with_slice(right);
}

#[cfg(test)]
mod tests {
    use super::{crc32c, to};

    /// A SYN from 192.0.2.1:4000 to 10.0.0.1:80, with correct checksums.
    fn syn() -> Vec<u8> {
        let mut frame = vec![2, 1, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 8, 0];
        let mut packet = vec![
            0x45, 0, 0, 40, 0, 0, 0x40, 0, 63, 6, 0, 0, 192, 0, 2, 1, 10, 0, 0, 1,
        ];
        let mut segment = vec![
            0x0f, 0xa0, 0, 80, 0, 0, 0x10, 0, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0,
        ];
        let sum = checksum(&packet, 0);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        let sum = checksum(&segment, pseudo(&packet));
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        frame.extend(packet);
        frame.extend(segment);
        frame
    }

    fn pseudo(packet: &[u8]) -> u32 {
        6 + 20 + words(&packet[12..20])
    }

    fn words(bytes: &[u8]) -> u32 {
        bytes
            .chunks(2)
            .map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])))
            .sum()
    }

    fn checksum(bytes: &[u8], start: u32) -> u16 {
        let sum = words(bytes) + start;
        let sum = (sum & 0xffff) + (sum >> 16);
        !u16::try_from((sum & 0xffff) + (sum >> 16)).expect("folded twice")
    }

    #[test]
    fn an_answer_goes_back_with_its_own_flags_and_right_checksums() {
        let answer = to(&syn(), 0x12);
        assert_eq!(answer[..6], [2, 0, 0, 0, 0, 3]);
        assert_eq!(answer[6..12], [2, 1, 0, 0, 0, 1]);
        let packet = &answer[14..34];
        assert_eq!(packet[12..20], [10, 0, 0, 1, 192, 0, 2, 1]);
        let segment = &answer[34..];
        assert_eq!(segment[..4], [0, 80, 0x0f, 0xa0]);
        assert_eq!(segment[13], 0x12);
        assert_eq!(checksum(packet, 0), 0);
        assert_eq!(checksum(segment, pseudo(packet)), 0);
    }

    #[test]
    fn of_sctp_the_checksum_is_that_of_the_swapped_ports() {
        let mut frame = syn();
        frame[23] = 132;
        let answer = to(&frame, 0);
        let segment = &answer[34..];
        assert_eq!(segment[..4], [0, 80, 0x0f, 0xa0]);
        let mut whole = segment.to_vec();
        whole[8..12].fill(0);
        assert_eq!(segment[8..12], crc32c(&whole).to_le_bytes());
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
