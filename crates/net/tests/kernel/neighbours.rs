//! Following next hops.

mod answers;
mod entries;
mod many;
mod routes;

use dray_model::{Resolution, Unresolved};

fn no_answer() -> Resolution {
    Resolution::Unresolved(Unresolved::NoAnswer {
        interface: "eth0".into(),
    })
}
