//! What a change would do, told before it is done.

use std::num::NonZeroU32;

use dray_control::{
    AddedVip, Affected, Change, Fate, MovedSlots, Preview, RealPreview, ServicePreview,
    SettingChange,
};
use dray_model::{
    Desired, Forward, HashFlags, Live, Scheduler, Service, Thresholds, VipOwnership, Weight,
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::site::{Site, address, desired, real, service};

/// The only service that would change.
fn only(preview: &Preview) -> &ServicePreview {
    assert_eq!(preview.services.len(), 1, "{preview:?}");
    &preview.services[0]
}

fn setting(key: &str, before: Option<Value>, after: Option<Value>) -> SettingChange {
    SettingChange {
        key: key.to_owned(),
        before,
        after,
    }
}

/// Gives the real server's destination these active, inactive connections and templates.
fn count(site: &Site, service: u8, number: u8, [active, inactive, persistent]: [u32; 3]) {
    let id = site.dataplane.destination(address(service), real(number));
    let live = Live {
        active,
        inactive,
        persistent,
        overloaded: false,
    };
    site.dataplane.set_live(id.unwrap(), live);
}

#[tokio::test(start_paused = true)]
async fn a_preview_changes_nothing() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let (before, vips) = (site.dataplane.actual(), site.net.vips("eth0"));
    let wanted = desired(vec![service(1, &[(2, 5)])]);
    assert!(!handle.preview(wanted).await.unwrap().is_empty());
    assert_eq!(site.dataplane.actual(), before);
    assert_eq!(site.net.vips("eth0"), vips);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_force_would_change_nothing() {
    let site = Site::new();
    let wanted = desired(vec![service(0, &[(1, 1)])]);
    let (handle, _task) = site.start(wanted.clone()).await;
    let preview = handle.preview(wanted).await.unwrap();
    assert_eq!(preview, Preview::default());
    assert!(preview.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_service_is_told_with_all_its_settings() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![])).await;
    let preview = handle
        .preview(desired(vec![service(0, &[(1, 3), (2, 1)])]))
        .await
        .unwrap();
    let service = only(&preview);
    assert_eq!(
        (service.name.as_str(), service.change),
        ("service-0", Change::Added)
    );
    let settings = [
        setting("address", None, Some(json!("tcp://10.77.0.100:80"))),
        setting("name", None, Some(json!("service-0"))),
        setting("scheduler", None, Some(json!("wrr"))),
    ];
    assert_eq!(service.settings, settings);
    let first = RealPreview {
        real: "10.77.0.11".parse().unwrap(),
        change: Change::Added,
        settings: vec![
            setting("address", None, Some(json!("10.77.0.11"))),
            setting("weight", None, Some(json!(3))),
        ],
        affected: None,
    };
    assert_eq!(service.reals[0], first);
    assert_eq!(service.reals.len(), 2);
    let vip = AddedVip {
        interface: "eth0".to_owned(),
        vip: address(0).vip,
    };
    assert_eq!(preview.vips_added, [vip]);
    assert_eq!(preview.vips_withdrawn, []);
}

#[tokio::test(start_paused = true)]
async fn a_removed_service_is_told_with_its_connections_and_its_vip() {
    let site = Site::new();
    site.resolve_all();
    let wanted = desired(vec![service(0, &[(1, 3)]), service(1, &[(1, 1)])]);
    let (handle, _task) = site.start(wanted).await;
    count(&site, 0, 1, [5, 2, 1]);
    let mut after = desired(vec![service(1, &[(1, 1)])]);
    let preview = handle.preview(after.clone()).await.unwrap();
    let removed = only(&preview);
    assert_eq!(
        (removed.identity, removed.change),
        (address(0).into(), Change::Removed)
    );
    let affected = Affected {
        active: 5,
        inactive: 2,
        templates: 1,
        connections_fate: Fate::Finish,
        templates_fate: Fate::Void,
    };
    assert_eq!(removed.reals[0].affected, Some(affected));
    assert_eq!(affected.connections(), 7);
    assert_eq!(preview.affected().collect::<Vec<_>>(), [&affected]);
    let vips: Vec<_> = preview
        .vips_withdrawn
        .iter()
        .map(|added| added.vip)
        .collect();
    assert_eq!(vips, [address(0).vip]);

    after.director.ipvs.expire_nodest_conn = true;
    let preview = handle.preview(after).await.unwrap();
    let fate = preview.services[0].reals[0]
        .affected
        .unwrap()
        .connections_fate;
    assert_eq!(
        fate,
        Fate::Ended,
        "by the settings that would be in force then"
    );
    let setting = setting("ipvs.expire_nodest_conn", None, Some(json!(true)));
    assert_eq!(preview.director, [setting]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_service_is_told_key_by_key() {
    let site = Site::new();
    site.resolve_all();
    let before = service(0, &[(1, 3), (2, 1), (3, 1)]);
    let (handle, _task) = site.start(desired(vec![before.clone()])).await;
    count(&site, 0, 1, [5, 0, 0]);
    count(&site, 0, 3, [1, 1, 0]);
    let mut after = before;
    after.scheduler = Scheduler::WeightedLeastConnection;
    after.reals[0].weight = Weight::new(0);
    after.reals[0].thresholds = Thresholds { upper: 9, lower: 0 };
    after.reals.remove(2);
    let preview = handle.preview(desired(vec![after])).await.unwrap();
    let changed = only(&preview);
    assert_eq!(changed.change, Change::Changed);
    // `wlc` is the default, which is not written.
    assert_eq!(
        changed.settings,
        [setting("scheduler", Some(json!("wrr")), None)]
    );
    let [first, last] = &changed.reals[..] else {
        panic!("not two real servers: {changed:?}");
    };
    let settings = [
        setting("upper_threshold", None, Some(json!(9))),
        setting("weight", Some(json!(3)), Some(json!(0))),
    ];
    assert_eq!(
        (first.change, &first.settings[..]),
        (Change::Changed, &settings[..])
    );
    let affected = first.affected.unwrap();
    assert_eq!(
        (affected.active, affected.connections_fate),
        (5, Fate::Finish)
    );
    assert_eq!(
        (last.real.to_string().as_str(), last.change),
        ("10.77.0.13", Change::Removed)
    );
    assert_eq!(last.affected.unwrap().connections(), 2);
    assert!(!changed.reordered);
    assert_eq!(changed.moved, None, "no table by hash");
}

#[tokio::test(start_paused = true)]
async fn a_real_server_that_comes_back_is_told_with_what_it_finds() {
    let site = Site::new();
    site.resolve_all();
    let both = desired(vec![service(0, &[(1, 1), (2, 1)])]);
    let (handle, _task) = site.start(both.clone()).await;
    count(&site, 0, 2, [4, 0, 0]);
    handle
        .replace(desired(vec![service(0, &[(1, 1)])]))
        .await
        .unwrap();
    let preview = handle.preview(both).await.unwrap();
    let back = &only(&preview).reals[0];
    let affected = back.affected.unwrap();
    assert_eq!((back.change, affected.active), (Change::Added, 4));
    assert_eq!(affected.connections_fate, Fate::Kept);
}

#[tokio::test(start_paused = true)]
async fn another_order_is_told_as_what_it_is() {
    let site = Site::new();
    let before = desired(vec![service(0, &[(1, 1), (2, 1)]), service(1, &[(1, 1)])]);
    let (handle, _task) = site.start(before.clone()).await;
    let mut services = before.clone();
    services.services.reverse();
    let preview = handle.preview(services).await.unwrap();
    assert!(preview.reordered && preview.services.is_empty());

    let after = desired(vec![service(0, &[(2, 1), (1, 1)]), service(1, &[(1, 1)])]);
    let preview = handle.preview(after).await.unwrap();
    let changed = only(&preview);
    assert!(changed.reordered && changed.reals.is_empty() && changed.settings.is_empty());
    assert!(!preview.reordered);

    let after = desired(vec![
        service(0, &[(3, 1), (1, 1), (2, 1)]),
        service(1, &[(1, 1)]),
    ]);
    let preview = handle.preview(after).await.unwrap();
    assert!(!only(&preview).reordered, "those that stay are in order");
}

#[tokio::test(start_paused = true)]
async fn a_table_by_hash_moves_by_as_much_as_it_will() {
    for scheduler in [
        Scheduler::SourceHash(HashFlags::default()),
        Scheduler::DestinationHash,
        Scheduler::MaglevHash(HashFlags::default()),
    ] {
        let site = Site::new();
        site.resolve_all();
        let hashed = |reals: &[(u8, u16)]| {
            desired(vec![Service {
                scheduler,
                ..service(0, reals)
            }])
        };
        let (handle, _task) = site.start(hashed(&[(1, 1), (2, 1), (3, 1), (4, 1)])).await;
        let one_less = hashed(&[(1, 1), (2, 1), (3, 1)]);
        let preview = handle.preview(one_less.clone()).await.unwrap();
        let MovedSlots { moved, of } = only(&preview).moved.expect("a table");
        assert!(
            moved * 4 >= of,
            "{scheduler:?}: at least its own: {moved} of {of}"
        );
        if matches!(scheduler, Scheduler::MaglevHash(_)) {
            assert!(moved * 3 < of, "{moved} of {of}: Maglev moves little else");
        }

        let before = slots(&site);
        handle.replace(one_less).await.unwrap();
        let after = slots(&site);
        let differing = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other);
        assert_eq!(
            (before.len(), differing.count()),
            (of as usize, moved as usize)
        );

        let weighed = hashed(&[(1, 1), (2, 1), (3, 1)]);
        let preview = handle.preview(weighed).await.unwrap();
        assert!(preview.is_empty());
    }
}

/// The table by hash of the only service.
fn slots(site: &Site) -> Vec<Option<u32>> {
    let services = site.dataplane.actual().services;
    dray_sched::slots(&services[&address(0).into()].record.0)
}

#[tokio::test(start_paused = true)]
async fn what_only_a_new_start_can_change_would_be_refused() {
    let site = Site::new();
    let before = desired(vec![]);
    let (handle, _task) = site.start(before.clone()).await;
    let mut after = before;
    after.director.interfaces.push("eth1".to_owned());
    after.director.max_connections = NonZeroU32::new(8192).unwrap();
    let preview = handle.preview(after.clone()).await.unwrap();
    assert_eq!(preview.refusals.len(), 2);
    assert!(preview.refusals[0].contains("`director.interfaces`"));
    assert!(preview.refusals[1].contains("`director.max_connections`"));
    let keys: Vec<&str> = preview
        .director
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    assert_eq!(keys, ["interfaces", "max_connections"]);
    let error = handle.replace(after).await.unwrap_err().to_string();
    assert_eq!(error, preview.refusals[0]);
}

#[tokio::test(start_paused = true)]
async fn vips_that_somebody_else_sees_to_are_none_of_the_directors() {
    let site = Site::new();
    site.net.put_vip("eth0", address(0).vip);
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let preview = handle.preview(desired(vec![])).await.unwrap();
    assert_eq!(preview.vips_withdrawn, [], "it was there before");
    let mut external = desired(vec![service(1, &[(1, 1)])]);
    external.director.vips = VipOwnership::External;
    let preview = handle.preview(external).await.unwrap();
    assert_eq!(
        (preview.vips_added, preview.vips_withdrawn),
        (vec![], vec![])
    );
}

/// A desired state of some of four services, each with its scheduler and some real servers.
fn any_desired() -> impl Strategy<Value = Desired> {
    let schedulers = prop::sample::select(Scheduler::ALL.to_vec());
    let forward = prop::sample::select(vec![Forward::DirectRouting, Forward::Nat]);
    let reals = prop::collection::btree_map(1..=9_u8, 0..4_u16, 0..5);
    let one = (0..4_u8, schedulers, forward, any::<bool>(), reals);
    (vec(one, 0..5), any::<bool>(), 1..3_u64).prop_map(|(services, expire, udp)| {
        let mut seen = std::collections::BTreeSet::new();
        let services = services.into_iter().filter(|one| seen.insert(one.0));
        let services = services.map(|(number, scheduler, forward, reversed, reals)| {
            let mut reals: Vec<(u8, u16)> = reals.into_iter().collect();
            if reversed {
                reals.reverse();
            }
            let mut service = service(number, &reals);
            service.scheduler = scheduler;
            service.forward = forward;
            for real in &mut service.reals {
                real.forward = forward;
            }
            service
        });
        let mut wanted = desired(services.collect());
        wanted.director.ipvs.expire_nodest_conn = expire;
        wanted.director.timeouts.udp = std::time::Duration::from_secs(udp * 100);
        wanted
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_left_to_change_after_the_change(states in vec(any_desired(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let site = Site::new();
            site.resolve_all();
            let (handle, _task) = site.start(desired(vec![])).await;
            let mut before = desired(vec![]);
            for state in states {
                let preview = handle.preview(state.clone()).await.unwrap();
                assert_eq!(preview.is_empty(), state == before, "{preview:?}");
                let applied = handle.replace(state.clone()).await.unwrap();
                let counted = |change| {
                    preview.services.iter().filter(|one| one.change == change).count()
                };
                assert_eq!(counted(Change::Added), applied.services_added);
                assert_eq!(counted(Change::Changed), applied.services_changed);
                assert_eq!(counted(Change::Removed), applied.services_removed);
                let preview = handle.preview(state.clone()).await.unwrap();
                assert!(preview.is_empty(), "{preview:?}");
                before = state;
            }
        });
    }
}
