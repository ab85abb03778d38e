//! SCTP packets (RFC 9260).

/// The type of an SCTP chunk (RFC 9260 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkType(pub u8);

impl ChunkType {
    /// User data.
    pub const DATA: Self = Self(0);
    /// Opens an association.
    pub const INIT: Self = Self(1);
    /// Answers INIT.
    pub const INIT_ACK: Self = Self(2);
    /// Acknowledges data.
    pub const SACK: Self = Self(3);
    /// Asks whether the other side is there.
    pub const HEARTBEAT: Self = Self(4);
    /// Ends the association at once.
    pub const ABORT: Self = Self(6);
    /// Ends the association in order.
    pub const SHUTDOWN: Self = Self(7);
    /// Answers SHUTDOWN.
    pub const SHUTDOWN_ACK: Self = Self(8);
    /// Tells of an error.
    pub const ERROR: Self = Self(9);
    /// Brings the cookie of INIT ACK back.
    pub const COOKIE_ECHO: Self = Self(10);
    /// Answers COOKIE ECHO.
    pub const COOKIE_ACK: Self = Self(11);
    /// Ends the ending.
    pub const SHUTDOWN_COMPLETE: Self = Self(14);
}

/// A chunk: its type and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) kind: ChunkType,
    pub(super) value: Vec<u8>,
}

/// A packet from its common header on, with the payload after the last chunk.
pub(super) fn packet(ports: (u16, u16), tag: u32, chunks: &[Chunk], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + payload.len());
    out.extend(ports.0.to_be_bytes());
    out.extend(ports.1.to_be_bytes());
    out.extend(tag.to_be_bytes());
    out.extend([0; 4]);
    for chunk in chunks {
        let length = u16::try_from(4 + chunk.value.len()).expect("a chunk is shorter than 64 KiB");
        out.extend([chunk.kind.0, 0]);
        out.extend(length.to_be_bytes());
        out.extend(&chunk.value);
        // The padding does not count in the chunk's length.
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out.extend(payload);
    let checksum = sctp_checksum(&out);
    out[8..12].copy_from_slice(&checksum);
    out
}

/// The checksum (RFC 9260 appendix A: CRC32c, sent least significant byte first) of a packet whose checksum field is 0.
pub fn sctp_checksum(packet: &[u8]) -> [u8; 4] {
    /// The Castagnoli polynomial, bits reversed.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for byte in packet {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    (!crc).to_le_bytes()
}
