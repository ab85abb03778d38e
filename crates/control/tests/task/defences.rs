//! Defences come with a full table and go with it.

use std::{num::NonZeroU32, time::Duration};

use dray_control::Defences;
use dray_model::{Defence, Desired, Sweep};
use dray_testkit::eventually;
use tokio::time::sleep;

use crate::site::{Site, desired};

/// Automatic defences from 90 % of 4096 connections on.
fn defended() -> Desired {
    let mut wanted = desired(vec![]);
    let ipvs = &mut wanted.director.ipvs;
    ipvs.drop_packet = Defence::Automatic;
    ipvs.drop_entry = Defence::Automatic;
    ipvs.secure_tcp = Defence::Automatic;
    ipvs.defence_threshold = 90;
    wanted
}

/// Makes each of the 40 parts of the table hold so many connections.
fn fill(site: &Site, alive: u64) {
    site.dataplane.set_sweep(Sweep {
        alive,
        ..Sweep::default()
    });
}

#[tokio::test(start_paused = true)]
async fn automatic_defences_are_on_while_the_table_is_nearly_full() {
    let site = Site::new();
    let (handle, _task) = site.start(defended()).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(site.dataplane.policies().len(), 1);
    assert_eq!(site.dataplane.drops(), 0);

    // 4000 of 4096: 96 are free of 409 that are scarce.
    fill(&site, 100);
    let rate = NonZeroU32::new(409 / (409 - 96));
    eventually!(async site.dataplane.policy().unwrap().drop_rate == rate);
    assert!(site.dataplane.policy().unwrap().secure_tcp);
    let defences = Defences {
        drop_rate: rate,
        drop_entry: true,
        secure_tcp: true,
    };
    assert_eq!(handle.status().await.unwrap().director.defences, defences);

    let (policies, drops) = (site.dataplane.policies().len(), site.dataplane.drops());
    sleep(Duration::from_secs(10)).await;
    assert_eq!(site.dataplane.policies().len(), policies, "nothing changed");
    assert_eq!(site.dataplane.drops(), drops + 10, "once a second");

    fill(&site, 10);
    eventually!(async site.dataplane.policy().unwrap().drop_rate.is_none());
    assert!(!site.dataplane.policy().unwrap().secure_tcp);
    let drops = site.dataplane.drops();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(site.dataplane.drops(), drops);
}

#[tokio::test(start_paused = true)]
async fn a_reload_turns_defences_on_and_off_at_once() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![])).await;
    let mut always = desired(vec![]);
    always.director.ipvs.secure_tcp = Defence::On;
    handle.replace(always).await.unwrap();
    assert!(site.dataplane.policy().unwrap().secure_tcp);
    handle.replace(desired(vec![])).await.unwrap();
    assert!(!site.dataplane.policy().unwrap().secure_tcp);
}
