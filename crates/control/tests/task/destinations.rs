//! What becomes of destinations as real servers come, fall silent and go.

use std::time::Duration;

use dray_control::{Ineligible, Standing, StopMode};
use dray_model::{Action, Counters, Live, Thresholds, Unresolved};
use dray_testkit::{FakeNet, eventually};
use tokio::time::sleep;

use crate::site::{Site, address, desired, hop, real, service, way};

#[tokio::test(start_paused = true)]
async fn a_destination_becomes_eligible_when_its_neighbour_is_known() {
    let site = Site::new();
    let (handle, _task) = site
        .start(desired(vec![service(0, &[(1, 3), (2, 0)])]))
        .await;
    assert_eq!(site.net.followed(), [real(1), real(2)].into());
    let unknown = Standing::NotEligible(Ineligible::Unknown);
    let status = handle.status().await.unwrap();
    assert_eq!(status.services[0].destinations[0].standing, unknown);

    site.net.resolve([(real(1), way(1)), (real(2), way(2))]);
    eventually!(
        async handle.status().await.unwrap().services[0].destinations[0].standing
            == Standing::Eligible
    );
    let status = handle.status().await.unwrap();
    let [first, second] = &status.services[0].destinations[..] else {
        panic!("not two destinations")
    };
    assert_eq!((first.real, first.hop), (real(1), Some(hop(1))));
    assert_eq!(second.standing, Standing::Quiesced);

    let interface = "eth0".to_owned();
    let silent = Unresolved::NoAnswer { interface };
    site.net.unresolve(real(1), silent.clone());
    let silent = Standing::NotEligible(Ineligible::Unresolved(silent));
    eventually!(
        async handle.status().await.unwrap().services[0].destinations[0].standing == silent
    );
}

#[tokio::test(start_paused = true)]
async fn a_removed_real_server_leaves_when_its_last_connection_ends() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site
        .start(desired(vec![service(0, &[(1, 1), (2, 1)])]))
        .await;
    let id = site.dataplane.destination(address(0), real(2)).unwrap();
    let live = Live {
        active: 2,
        inactive: 1,
        ..Live::default()
    };
    let counters = Counters {
        connections: 3,
        packets: 30,
        bytes: 300,
        ..Counters::default()
    };
    site.dataplane.set_live(id, live);
    site.dataplane.set_counters(id, counters);
    handle
        .replace(desired(vec![service(0, &[(1, 1)])]))
        .await
        .unwrap();
    sleep(Duration::from_secs(10)).await;
    let status = handle.status().await.unwrap();
    let [_, leaving] = &status.services[0].destinations[..] else {
        panic!(
            "not two destinations: {:?}",
            status.services[0].destinations
        )
    };
    assert_eq!(
        (leaving.real, &leaving.standing),
        (real(2), &Standing::Leaving)
    );
    assert_eq!((leaving.traffic.live, leaving.hop), (live, Some(hop(2))));

    site.dataplane.set_live(id, Live::default());
    eventually!(async site.dataplane.destination(address(0), real(2)).is_none());
    assert_eq!(site.net.followed(), [real(1)].into());
    let status = handle.status().await.unwrap();
    assert_eq!(status.services[0].destinations.len(), 1);
    assert_eq!(status.services[0].traffic.counters, counters);
}

#[tokio::test(start_paused = true)]
async fn a_real_server_is_followed_while_any_service_has_it() {
    let site = Site::new();
    let (one, other) = (service(0, &[(1, 1), (2, 1)]), service(1, &[(2, 1)]));
    let (handle, task) = site.start(desired(vec![one, other.clone()])).await;
    handle.replace(desired(vec![other])).await.unwrap();
    eventually!(async site.net.followed() == [real(2)].into());

    // The next run follows what it takes over, though it wants none of it.
    handle.stop(StopMode::KeepForwarding).await.unwrap();
    task.await.unwrap();
    let next = Site {
        net: FakeNet::new(),
        ..site.clone()
    };
    let id = site.dataplane.destination(address(1), real(2)).unwrap();
    let live = Live {
        active: 1,
        ..Live::default()
    };
    site.dataplane.set_live(id, live);
    let (handle, _task) = next.start(desired(vec![])).await;
    assert_eq!(next.net.followed(), [real(2)].into());
    site.dataplane.set_live(id, Live::default());
    eventually!(async handle.status().await.is_ok() && next.net.followed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_removed_service_is_shown_while_its_connections_last() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let id = site.dataplane.destination(address(0), real(1)).unwrap();
    let live = Live {
        active: 1,
        ..Live::default()
    };
    site.dataplane.set_live(id, live);
    handle.replace(desired(vec![])).await.unwrap();
    let status = handle.status().await.unwrap();
    assert_eq!(status.leaving.len(), 1);
    assert_eq!(status.leaving[0].identity, address(0).into());
    assert_eq!(status.leaving[0].destinations[0].id, Some(id));

    site.dataplane.set_live(id, Live::default());
    eventually!(async site.dataplane.actual().destinations.is_empty());
    eventually!(async site.dataplane.actual().hops.is_empty());
    assert_eq!(handle.status().await.unwrap().leaving, []);
}

#[tokio::test(start_paused = true)]
async fn a_removed_real_server_is_kept_for_its_templates() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site
        .start(desired(vec![service(0, &[(1, 1), (2, 1)])]))
        .await;
    let id = site.dataplane.destination(address(0), real(2)).unwrap();
    let live = Live {
        persistent: 1,
        ..Live::default()
    };
    site.dataplane.set_live(id, live);
    let without = desired(vec![service(0, &[(1, 1)])]);
    handle.replace(without.clone()).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert!(!site.dataplane.actual().destinations[&id].available);
    let status = handle.status().await.unwrap();
    assert_eq!(
        status.services[0].destinations[1].standing,
        Standing::Leaving
    );

    let again = desired(vec![service(0, &[(1, 1), (2, 1)])]);
    handle.replace(again).await.unwrap();
    assert!(site.dataplane.actual().destinations[&id].available);
    let status = handle.status().await.unwrap();
    assert_eq!(status.services[0].destinations[1].id, Some(id));

    handle.replace(without).await.unwrap();
    site.dataplane.set_live(id, Live::default());
    eventually!(async site.dataplane.actual().destinations.len() == 1);
}

#[tokio::test(start_paused = true)]
async fn a_destination_beyond_its_upper_threshold_is_overloaded() {
    let site = Site::new();
    site.resolve_all();
    let mut limited = service(0, &[(1, 1), (2, 0)]);
    let thresholds = Thresholds { upper: 4, lower: 2 };
    limited.reals[0].thresholds = thresholds;
    let (handle, _task) = site.start(desired(vec![limited])).await;
    for number in [1, 2] {
        let id = site.dataplane.destination(address(0), real(number));
        let live = Live {
            active: 4,
            overloaded: true,
            ..Live::default()
        };
        site.dataplane.set_live(id.unwrap(), live);
    }
    let status = handle.status().await.unwrap();
    let [first, second] = &status.services[0].destinations[..] else {
        panic!("not two destinations")
    };
    assert_eq!(
        (&first.standing, first.thresholds),
        (&Standing::Overloaded, thresholds)
    );
    assert_eq!(second.standing, Standing::Quiesced);
    assert!(!status.services[0].traffic.live.overloaded);
}

#[tokio::test(start_paused = true)]
async fn the_director_itself_can_be_a_real_server() {
    let site = Site::new();
    site.net.unresolve(real(1), Unresolved::Local);
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let status = handle.status().await.unwrap();
    let [local] = &status.services[0].destinations[..] else {
        panic!("not one destination")
    };
    assert_eq!(
        (&local.standing, local.local, local.hop),
        (&Standing::Eligible, true, None)
    );
    let actions = site.dataplane.take_actions();
    assert!(
        matches!(&actions[..], [Action::AddDestination { destination, .. }, Action::Publish { .. }]
            if destination.local),
        "{actions:?}"
    );
}
