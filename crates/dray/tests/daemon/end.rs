//! How a daemon ends, what it leaves, and how the next one takes over.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use dray_api::{ClaimError, RuntimeDir, v1::Standing};

use crate::{
    CONFIG,
    site::{Site, text},
    stop, vip, withdraw,
};

#[tokio::test]
async fn stopping_leaves_the_data_plane_and_the_vips_and_the_next_daemon_takes_them_over() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let before = site.dataplane.actual();
    let said = site.dray(["stop"]).await;
    assert_eq!(
        (said.out.as_str(), said.status.code()),
        ("the daemon has stopped; forwarding goes on\n", Some(0))
    );
    daemon.ended().await.expect("a clean end");
    assert_eq!(site.dataplane.actual(), before);
    assert_eq!(site.net.vips("eth0"), BTreeSet::from([vip()]));
    assert!(!site.withdrawn.load(Ordering::Relaxed));

    let next = site.start().await;
    assert_eq!(site.dataplane.actual(), before);
    let added = next.client.status().await.expect("a status").director.vips;
    assert_eq!(added.len(), 1, "the ledger remembers who added the VIP");
    withdraw(next).await;
    assert_eq!(site.net.vips("eth0"), BTreeSet::new());
}

#[tokio::test]
async fn withdrawing_takes_everything_away_before_it_answers() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let said = site.dray(["stop", "--withdraw"]).await;
    assert_eq!(
        (said.out.as_str(), said.status.code()),
        ("the daemon has stopped; forwarding has ended\n", Some(0))
    );
    assert!(site.withdrawn.load(Ordering::Relaxed));
    assert_eq!(site.net.vips("eth0"), BTreeSet::new());
    assert!(site.dataplane.actual().services.is_empty());
    daemon.ended().await.expect("a clean end");
}

#[tokio::test]
async fn a_vip_that_was_there_before_is_left_alone() {
    let site = Site::new(CONFIG);
    site.net.put_vip("eth0", vip());
    let daemon = site.start().await;
    assert_eq!(
        daemon
            .client
            .status()
            .await
            .expect("a status")
            .director
            .vips,
        []
    );
    withdraw(daemon).await;
    assert_eq!(site.net.vips("eth0"), BTreeSet::from([vip()]));
}

#[tokio::test]
async fn a_daemon_that_was_cut_off_is_replaced_and_its_data_plane_taken_over() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let before = site.dataplane.actual();
    daemon.kill().await;
    let next = site.start().await;
    assert_eq!(site.dataplane.actual(), before);
    let services = next
        .client
        .status()
        .await
        .expect("the new daemon answers")
        .services;
    assert_eq!(services[0].destinations[0].standing, Standing::Eligible);
    stop(&site, next).await;
}

#[tokio::test]
async fn a_second_daemon_in_the_same_runtime_directory_is_refused() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    assert!(matches!(
        RuntimeDir::claim(&site.runtime_dir()),
        Err(ClaimError::Taken { .. })
    ));
    let said = site.dray(["run", "--config", text(&site.config())]).await;
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains("another daemon"), "{}", said.err);
    daemon
        .client
        .status()
        .await
        .expect("the first one still answers");
    stop(&site, daemon).await;
}
