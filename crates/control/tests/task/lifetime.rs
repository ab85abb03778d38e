//! Starts, ends, and what stays.

use std::time::Duration;

use dray_control::{ControlError, Standing, StopMode};
use tokio::time::sleep;

use crate::site::{Site, address, desired, service};

#[tokio::test(start_paused = true)]
async fn a_restart_adopts_what_is_there_and_writes_nothing() {
    let site = Site::new();
    site.resolve_all();
    let wanted = desired(vec![service(0, &[(1, 1), (2, 1)]), service(1, &[(2, 1)])]);
    let (handle, task) = site.start(wanted.clone()).await;
    handle.stop(StopMode::KeepForwarding).await.unwrap();
    task.await.unwrap();
    assert_eq!(site.net.vips("eth0").len(), 2);
    site.dataplane.take_actions();

    let deaf = Site {
        net: dray_testkit::FakeNet::new(),
        ..site.clone()
    };
    let (handle, _task) = deaf.start(wanted).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(site.dataplane.take_actions(), []);
    let status = handle.status().await.unwrap();
    assert_eq!(
        status.services[0].destinations[0].standing,
        Standing::Eligible
    );
}

#[tokio::test(start_paused = true)]
async fn withdrawing_leaves_no_service_and_no_vip() {
    let site = Site::new();
    site.resolve_all();
    let (handle, task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    assert_eq!(site.net.vips("eth0"), [address(0).vip].into());
    handle.stop(StopMode::Withdraw).await.unwrap();
    let dataplane = task.await.unwrap();
    assert!(dataplane.actual().services.is_empty());
    assert!(site.net.vips("eth0").is_empty());
    let error = handle.status().await.unwrap_err();
    assert!(matches!(error, ControlError::Stopped));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_the_task_and_keeps_forwarding() {
    let site = Site::new();
    let (handle, task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    drop(handle);
    task.await.unwrap();
    assert_eq!(site.dataplane.actual().services.len(), 1);
    assert_eq!(site.net.vips("eth0").len(), 1);
}
