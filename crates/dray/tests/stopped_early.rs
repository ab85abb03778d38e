//! A daemon that is told to stop while it starts. Alone in its process, which is what gets the signal.

#[path = "daemon/site.rs"]
#[expect(dead_code, reason = "the daemon's other tests use all of it")]
mod site;

use std::{
    collections::BTreeSet,
    sync::{Mutex, atomic::Ordering, mpsc},
};

use dray_api::v1::StopMode;
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use site::Site;

const CONFIG: &str = r#"
[director]
interfaces = ["eth0"]

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
real = [{ address = "10.77.0.11" }]
"#;

/// Runs a daemon that gets SIGTERM while its data plane is being loaded.
async fn run_and_stop_early(site: &Site, is_new: bool) {
    let mut terminated = signal(SignalKind::terminate()).expect("a signal");
    let (tell, heard) = mpsc::channel();
    let heard = Mutex::new(heard);
    let daemon = site.run(is_new, move || {
        kill_process(getpid(), Signal::TERM).expect("a signal to ourselves");
        // Who listens to the signal has heard of it when one of them has.
        let heard = heard.lock().expect("one daemon");
        heard.recv().expect("the signal comes");
    });
    let listener = tokio::spawn(async move {
        terminated.recv().await;
        tell.send(()).expect("the daemon waits");
    });
    daemon.await.expect("a clean end");
    listener.await.expect("it does not panic");
}

#[tokio::test]
async fn a_daemon_that_is_told_to_stop_while_the_data_plane_loads_leaves_what_was_there_before() {
    let site = Site::new(CONFIG);
    site.resolve([11]);
    run_and_stop_early(&site, true).await;
    assert!(site.withdrawn.swap(false, Ordering::Relaxed));
    assert_eq!(site.dataplane.take_actions(), []);
    assert_eq!(site.net.vips("eth0"), BTreeSet::new());

    let daemon = site.start().await;
    daemon
        .client
        .stop(StopMode::KeepForwarding)
        .await
        .expect("stopped");
    daemon.ended().await.expect("a clean end");
    let (actual, vips) = (site.dataplane.actual(), site.net.vips("eth0"));
    assert_eq!(vips.len(), 1);
    site.dataplane.take_actions();
    site.write(&CONFIG.replace("10.77.0.100", "10.77.0.101"));
    run_and_stop_early(&site, false).await;
    assert!(!site.withdrawn.load(Ordering::Relaxed));
    assert_eq!(site.dataplane.take_actions(), []);
    assert_eq!(
        (site.dataplane.actual(), site.net.vips("eth0")),
        (actual, vips)
    );
}
