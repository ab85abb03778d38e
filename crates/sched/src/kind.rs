//! The schedulers by name, and how they count a destination's connections.

/// A scheduler with its flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `rr`: each in turn.
    RoundRobin,
    /// `wrr`: each in turn, as often as its weight says.
    WeightedRoundRobin,
    /// `lc`: the fewest connections.
    LeastConnection,
    /// `wlc`: the fewest connections for its weight.
    WeightedLeastConnection,
    /// `sed`: the fewest active connections for its weight, the new one included.
    ShortestExpectedDelay,
    /// `nq`: one without active connections or, without such a one, as `sed`.
    NeverQueue,
    /// `lblc`: each VIP keeps its destination while that has room.
    LocalityBased,
    /// `lblcr`: each VIP keeps a set of destinations.
    LocalityBasedReplicated,
    /// `dh`: by a hash of the VIP.
    DestinationHash,
    /// `sh`: by a hash of the client's address.
    SourceHash {
        /// `sh-fallback`: clients of a destination that takes no connections go to another one.
        fallback: bool,
        /// `sh-port`: the client's port counts too.
        port: bool,
    },
    /// `mh`: by a hash of the client's address into a Maglev table.
    MaglevHash {
        /// `mh-fallback`: clients of a destination that takes no connections go to another one.
        fallback: bool,
        /// `mh-port`: the client's port counts too.
        port: bool,
    },
    /// `fo`: the heaviest.
    Failover,
    /// `ovf`: the heaviest that does not have more active connections than its weight.
    Overflow,
    /// `twos`: the better of two drawn by weight.
    PowerOfTwo,
}

/// What connections weigh for the schedulers that count active and inactive ones (`lc`, `wlc`, `lblc`, `lblcr`, `twos`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overhead {
    /// An active one 256, an inactive one 1 (Linux 6.1.176).
    Inactive,
    /// An active one 257, an inactive one 1: 256 for each active one and 1 for each of all (Linux 6.1.192 and later).
    Total,
}
