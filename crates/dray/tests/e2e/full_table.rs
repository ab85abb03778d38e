//! More connections than the table has room for.

use dray_api::v1::Verdict;
use dray_lab::Family;

use crate::site::{assert_nothing_dropped, assert_served, lab_with_web, run, start, status, web};

#[test]
fn connections_that_the_table_has_no_room_for_are_served_all_the_same() {
    let (lab, vip) = lab_with_web("full-table", 3);
    let director = lab.director(0);
    let config = director.config().service(web(Family::V4, &[1, 1, 1]));
    let roomy = config.to_string();
    let narrow = roomy.replace("max_connections = 131072", "max_connections = 1024");
    assert_ne!(narrow, roomy);
    start(director, narrow);
    // A closed connection keeps its place for some time, so the table is soon full of them.
    let load = lab.client(0).http(vip).connections(4_000).requests(8_000);
    let report = load.run().unwrap();
    assert_served(&report);
    assert_eq!(report.connections(), 4_000);

    let now = status(director);
    let kept = now.services[0].traffic;
    let without = 4_000 - u64::from(kept.active + kept.inactive);
    assert!(without > 0, "{kept:?}");
    let full = now
        .reasons
        .iter()
        .find(|reason| reason.name == "table-full");
    let full = full.expect("it is one of the reasons");
    assert_eq!(full.verdict, Verdict::Forward);
    // A packet at least to open each of them, and one to ask.
    assert!(full.packets >= 2 * without, "{full:?}, {kept:?}");
    let said = String::from_utf8(run(director, &["status"]).stdout).unwrap();
    assert!(said.contains("table-full"), "{said}");
    assert_nothing_dropped(director);
}
