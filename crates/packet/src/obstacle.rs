//! Why a packet of a translated connection, or one for a tunnel, cannot be rewritten.

/// Why a packet cannot be rewritten. What was refused may not be sent: the frame may be half changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The frame ends inside the headers.
    Truncated,
    /// It is a fragment, and the whole packet would have to be known.
    Fragment,
    /// It has IPv4 options or IPv6 extension headers.
    Options,
    /// It would become longer than a header can say.
    TooLong,
}
