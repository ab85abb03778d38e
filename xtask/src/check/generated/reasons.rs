//! Every reason that a packet is counted under, from the list that the kernel's program itself uses.

use dray_abi::{Reason, Verdict};

/// A table of the reasons, by number.
pub(super) fn as_markdown() -> String {
    let rows = Reason::ALL.iter().map(|reason| {
        format!(
            "| {} | [`{name}`](../troubleshoot.md#{name}) | {} | {} |\n",
            *reason as u32,
            fate(reason.verdict()),
            reason.meaning(),
            name = reason.name(),
        )
    });
    format!(
        "| number | reason | the packet | meaning |\n|---|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

fn fate(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "goes to the host",
        Verdict::Drop => "is dropped",
        Verdict::Forward => "is forwarded",
    }
}
