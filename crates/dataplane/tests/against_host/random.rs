//! Random input.

use dray_testkit::frames::TcpFlags;
use proptest::{prelude::*, sample::select};

/// Any of the flags together, those of ordinary segments more often.
pub(crate) fn flags() -> impl Strategy<Value = TcpFlags> {
    const ALL: [TcpFlags; 6] = [
        TcpFlags::FIN,
        TcpFlags::SYN,
        TcpFlags::RST,
        TcpFlags::PSH,
        TcpFlags::ACK,
        TcpFlags::URG,
    ];
    let ordinary = select(vec![
        TcpFlags::SYN,
        TcpFlags::ACK,
        TcpFlags::FIN | TcpFlags::ACK,
        TcpFlags::RST,
        TcpFlags::SYN | TcpFlags::ACK,
    ]);
    let any = prop::sample::subsequence(&ALL[..], 0..=6).prop_map(|flags| {
        flags
            .into_iter()
            .fold(TcpFlags::NONE, std::ops::BitOr::bitor)
    });
    prop_oneof![2 => ordinary, 1 => any]
}
