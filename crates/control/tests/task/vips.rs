//! VIPs come with services and go with them.

use dray_control::AddedVip;
use dray_model::VipOwnership;
use dray_testkit::eventually;

use crate::site::{Site, address, desired, service};

#[tokio::test(start_paused = true)]
async fn vips_follow_the_services_and_their_owner() {
    let site = Site::new();
    let mut wanted = desired(vec![service(0, &[(1, 1)]), service(1, &[(1, 1)])]);
    let (handle, _task) = site.start(wanted.clone()).await;
    wanted.services.remove(0);
    handle.replace(wanted.clone()).await.unwrap();
    assert_eq!(site.net.vips("eth0"), [address(1).vip].into());
    let added = AddedVip {
        interface: "eth0".to_owned(),
        vip: address(1).vip,
    };
    assert_eq!(handle.status().await.unwrap().director.vips, [added]);

    wanted.director.vips = VipOwnership::External;
    handle.replace(wanted).await.unwrap();
    assert!(site.net.vips("eth0").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_vip_that_could_not_be_added_is_told_and_added_later() {
    let site = Site::new();
    site.net.set_broken("eth0", true);
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let problems = handle.status().await.unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    site.net.set_broken("eth0", false);
    eventually!(async site.net.vips("eth0").len() == 1);
    assert!(handle.status().await.unwrap().problems.is_empty());
}
