//! `lc`, `wlc`, `sed`, `nq`, `fo`, `ovf`: the least loaded destination, or the heaviest. One scan with a cost of the scheduler's own.
//!
//! IPVS compares cost over weight by multiplying crosswise, and a tie stays with the earlier entry of the list (the newer
//! destination). `lc` has no weights, and to `fo` and `ovf` all cost the same.

use core::ops::ControlFlow;

use crate::record::{Code, Listed, NONE, Record};
use crate::{Load, Scan, Tables};

/// The choice that the scheduler with this code makes from the record's list.
#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record, code: u8) -> u32 {
    let mut scan = Least {
        record,
        code,
        destination: u64::from(NONE),
        weight: 0,
        cost: 0,
    };
    tables.scan(record.list_len(), &mut scan);
    scan.destination as u32
}

/// The best so far.
struct Least {
    record: Record,
    code: u8,
    destination: u64,
    weight: i64,
    cost: i64,
}

impl<T: Tables> Scan<T> for Least {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let Some(entry) = self.record.entry(tables, index) else {
            return ControlFlow::Break(());
        };
        if !entry.usable() {
            return ControlFlow::Continue(());
        }
        let destination = entry.destination();
        let Some(load) = tables.live(destination) else {
            return ControlFlow::Continue(());
        };
        if load.overloaded || self.code == Code::OVF && full(entry, load) {
            return ControlFlow::Continue(());
        }
        let idle = self.code == Code::NQ && load.active == 0;
        let cost = self.cost(load);
        let weight = match self.code {
            Code::LC => 1,
            _ => i64::from(entry.last_weight()),
        };
        if idle || self.destination as u32 == NONE || self.is_worse_than(cost, weight) {
            self.destination = u64::from(destination);
            self.cost = cost;
            self.weight = weight;
        }
        if idle {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Least {
    #[inline(always)]
    fn cost(&self, load: Load) -> i64 {
        match self.code {
            Code::LC => i64::from(overhead(self.record, load)),
            Code::WLC => i64::from(overhead(self.record, load) as i32),
            Code::SED | Code::NQ => i64::from(load.active.wrapping_add(1) as i32),
            _ => 1,
        }
    }

    #[inline(always)]
    const fn is_worse_than(&self, cost: i64, weight: i64) -> bool {
        self.cost.wrapping_mul(weight) > cost.wrapping_mul(self.weight)
    }
}

/// Whether `ovf` passes over it: it has more active connections than its weight.
#[inline(always)]
const fn full(entry: Listed, load: Load) -> bool {
    load.active as i32 > entry.last_weight() as i32
}

/// What a destination's connections weigh, in the 32-bit arithmetic of the kernel (`ip_vs_dest_conn_overhead`): `lc` reads it as
/// an unsigned number, the others as a signed one.
#[inline(always)]
pub(crate) const fn overhead(record: Record, load: Load) -> u32 {
    let overhead = (load.active << 8).wrapping_add(load.inactive);
    if record.counts_total() {
        overhead.wrapping_add(load.active)
    } else {
        overhead
    }
}
