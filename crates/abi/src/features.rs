//! The parts of the program that not every director needs. They are numbers of a constant that the loader fixes, so that the
//! verifier takes out what a director does without.

/// Bits of the program's constant `FEATURES`.
#[derive(Clone, Copy, Debug)]
pub struct Features;

impl Features {
    /// Tunnels to real servers.
    pub const TUNNEL: u32 = 1;
    /// NAT and FULLNAT.
    pub const TRANSLATION: u32 = 1 << 1;
    /// SYNs whose maximum segment size is lowered.
    pub const MSS: u32 = 1 << 2;
    /// Tunnels whose outer headers vary by the flow inside: GUE's source port, or a spread of outer sources.
    pub const FLOW: u32 = 1 << 3;
}
