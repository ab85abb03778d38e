//! `wlc`: the destination with the least connections for its weight.
//!
//! IPVS compares quotients by multiplying crosswise, and a tie stays with the earlier entry of the list (the newer destination).

use core::ops::ControlFlow;

use crate::record::{Listed, Record};
use crate::{Scan, Tables};

#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record) -> Option<u32> {
    let mut scan = LeastLoaded {
        record,
        least: None,
    };
    tables.scan(record.list_len(), &mut scan);
    scan.least.map(|least| least.destination)
}

struct LeastLoaded {
    record: Record,
    least: Option<Loaded>,
}

#[derive(Clone, Copy)]
struct Loaded {
    destination: u32,
    weight: i64,
    overhead: i64,
}

impl<T: Tables> Scan<T> for LeastLoaded {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let Some(entry) = self.record.entry(tables, index) else {
            return ControlFlow::Break(());
        };
        let Some(candidate) = Loaded::now(tables, entry) else {
            return ControlFlow::Continue(());
        };
        let better = match self.least {
            None => true,
            Some(least) => {
                least.overhead.wrapping_mul(candidate.weight)
                    > candidate.overhead.wrapping_mul(least.weight)
            }
        };
        if better {
            self.least = Some(candidate);
        }
        ControlFlow::Continue(())
    }
}

impl Loaded {
    #[inline(always)]
    fn now<T: Tables>(tables: &T, entry: Listed) -> Option<Self> {
        if !entry.usable() {
            return None;
        }
        let destination = entry.destination();
        let (active, inactive) = tables.live(destination)?;
        Some(Self {
            destination,
            weight: i64::from(entry.last_weight()),
            overhead: overhead(active, inactive),
        })
    }
}

/// The load that IPVS sees in a destination's connections: 256 for an active one, 1 for an inactive one, in a signed 32-bit
/// number (Linux 6.1.176, `ip_vs_dest_conn_overhead`).
#[inline(always)]
fn overhead(active: u32, inactive: u32) -> i64 {
    i64::from((active << 8).wrapping_add(inactive) as i32)
}
