//! A new desired state: what it changes, and what happens when it cannot be had.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use dray_control::{ControlError, StopMode};
use dray_model::{Action, Family, KernelRules, MarkRule, Policy, Room};
use dray_testkit::eventually;

use crate::site::{Site, address, desired, real, service};

#[tokio::test(start_paused = true)]
async fn a_weight_change_sets_one_destination_and_writes_one_record() {
    let site = Site::new();
    site.resolve_all();
    let services = (0..20).map(|number| service(number, &[(1, 1), (2, 1)]));
    let mut wanted = desired(services.collect());
    let (handle, _task) = site.start(wanted.clone()).await;
    site.dataplane.take_actions();

    wanted.services[7] = Arc::new(service(7, &[(1, 1), (2, 5)]));
    let applied = handle.replace(wanted).await.unwrap();
    assert_eq!((applied.services, applied.reals), (20, 40));
    assert_eq!((applied.services_changed, applied.steps), (1, 2));
    let actions = site.dataplane.take_actions();
    let [
        Action::SetDestination { destination, .. },
        Action::Publish { service, .. },
    ] = &actions[..]
    else {
        panic!("not a destination and a publication: {actions:?}")
    };
    assert_eq!((destination.real, destination.weight), (real(2), 5));
    assert_eq!(*service, address(7).into());
}

#[tokio::test(start_paused = true)]
async fn a_desired_state_that_says_the_same_changes_nothing() {
    let site = Site::new();
    site.resolve_all();
    let wanted = desired(vec![service(0, &[(1, 1)]), service(1, &[(2, 1)])]);
    let (handle, _task) = site.start(wanted.clone()).await;
    site.dataplane.take_actions();
    assert_eq!(handle.replace(wanted).await.unwrap().steps, 0);
    assert_eq!(site.dataplane.take_actions(), []);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_there_is_no_room_for_leaves_the_one_before_in_force() {
    let site = Site::new();
    site.resolve_all();
    let before = desired(vec![service(0, &[(1, 1)])]);
    let (handle, _task) = site.start(before.clone()).await;
    site.dataplane.set_room(Room {
        services: 2,
        destinations: 100,
        hops: 100,
    });
    let actual = site.dataplane.actual();
    site.dataplane.take_actions();
    let numbers = 0..4;
    let after = desired(numbers.map(|number| service(number, &[(1, 9)])).collect());
    let words = "no room for 4 services: the data plane was made for 2; to make it larger, end it (`dray stop --withdraw`) and \
                 start the daemon again; established connections are lost";
    for error in [
        handle.check(after.clone()).await.unwrap_err(),
        handle.replace(after.clone()).await.unwrap_err(),
    ] {
        assert!(matches!(error, ControlError::NoRoom { .. }), "{error:?}");
        assert_eq!(error.to_string(), words);
    }
    let refusals = handle.preview(after).await.unwrap().refusals;
    assert_eq!(refusals, [words]);

    assert_eq!(site.dataplane.take_actions(), [], "nothing was begun");
    assert_eq!(site.dataplane.actual(), actual);
    let status = handle.status().await.unwrap();
    assert_eq!(status.services.len(), 1);
    assert_eq!(status.problems, [] as [String; 0]);
    assert_eq!(handle.replace(before).await.unwrap().steps, 0);
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_thing_that_there_is_no_room_for_is_refused() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let after = desired(vec![service(0, &[(1, 1), (2, 1), (3, 1)]), service(1, &[])]);
    let enough = Room {
        services: 2,
        destinations: 3,
        hops: 3,
    };
    for (room, wanted) in [
        (
            Room {
                services: 1,
                ..enough
            },
            "no room for 2 services: ",
        ),
        (
            Room {
                destinations: 2,
                ..enough
            },
            "no room for 3 destinations: ",
        ),
        (Room { hops: 1, ..enough }, "no room for 3 next hops: "),
    ] {
        site.dataplane.set_room(room);
        let error = handle.check(after.clone()).await.unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
    site.dataplane.set_room(enough);
    handle.check(after.clone()).await.unwrap();
    handle.replace(after).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_there_is_no_room_for_is_refused_and_leaves_everything_as_it_was() {
    let site = Site::new();
    site.resolve_all();
    let before = desired(vec![service(0, &[(1, 1)])]);
    let (handle, task) = site.start(before.clone()).await;
    handle.stop(StopMode::KeepForwarding).await.unwrap();
    task.await.unwrap();
    site.dataplane.set_room(Room {
        services: 1,
        destinations: 100,
        hops: 100,
    });
    let actual = site.dataplane.actual();
    let after = desired(vec![service(0, &[(1, 9)]), service(1, &[(1, 1)])]);
    let error = site.try_start(after).await.unwrap_err();
    assert!(matches!(error, ControlError::NoRoom { .. }), "{error:?}");
    assert_eq!(site.dataplane.actual(), actual);
    site.start(before).await;
}

#[tokio::test(start_paused = true)]
async fn a_data_plane_that_refuses_everything_is_brought_up_to_date_when_it_recovers() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site
        .start(desired(vec![service(0, &[(1, 1)]), service(1, &[(2, 1)])]))
        .await;
    let services = site.dataplane.actual().services;
    site.dataplane.refuse_after(3);
    let after = desired(vec![service(0, &[(1, 2)]), service(1, &[(2, 2)])]);
    let error = handle.replace(after).await.unwrap_err();
    assert!(matches!(error, ControlError::Stuck { .. }), "{error:?}");
    assert_ne!(site.dataplane.actual().services, services);
    let problems = handle.status().await.unwrap().problems;
    assert!(problems[0].contains("refused by the test"), "{problems:?}");

    site.dataplane.accept();
    eventually!(async handle.status().await.unwrap().problems.is_empty());
    let weights: Vec<u16> = handle.status().await.unwrap().services[..]
        .iter()
        .map(|service| service.destinations[0].weight.value())
        .collect();
    assert_eq!(weights, [1, 1]);
    assert_eq!(site.weights(0), [1]);
    assert_eq!(site.weights(1), [1]);
}

#[tokio::test(start_paused = true)]
async fn the_next_state_mends_what_an_earlier_one_left_half_done() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site
        .start(desired(vec![service(0, &[(1, 1)]), service(1, &[(2, 1)])]))
        .await;
    site.dataplane.refuse_after(3);
    let refused = desired(vec![service(0, &[(1, 2)]), service(1, &[(2, 2)])]);
    handle.replace(refused).await.unwrap_err();
    assert_eq!(site.weights(0), [2]);

    site.dataplane.accept();
    let next = desired(vec![service(0, &[(1, 1)]), service(1, &[(2, 5)])]);
    let applied = handle.replace(next).await.unwrap();
    assert_eq!(applied.problems, [] as [String; 0]);
    assert_eq!((site.weights(0), site.weights(1)), (vec![1], vec![5]));
}

#[tokio::test(start_paused = true)]
async fn what_only_a_new_start_can_change_is_refused() {
    let site = Site::new();
    let before = desired(vec![]);
    let (handle, _task) = site.start(before.clone()).await;

    let mut after = before.clone();
    after.director.interfaces.push("eth1".to_owned());
    let error = handle.check(after.clone()).await.unwrap_err();
    let words = error.to_string();
    let error = handle.replace(after).await.unwrap_err();
    assert_eq!(error.to_string(), words);
    assert!(
        error.to_string().contains("`director.interfaces`"),
        "{error}"
    );

    let mut after = before.clone();
    after.director.max_connections = after.director.max_connections.saturating_add(1);
    let error = handle.replace(after).await.unwrap_err();
    assert!(
        error.to_string().contains("`director.max_connections`"),
        "{error}"
    );

    let mut after = before;
    after.director.max_translations = after.director.max_translations.saturating_add(1);
    let error = handle.replace(after).await.unwrap_err();
    assert!(
        error.to_string().contains("`director.max_translations`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_policy_is_set_at_the_start_and_when_it_changes() {
    let site = Site::new();
    site.resolve_all();
    let mut wanted = desired(vec![service(0, &[(1, 1)])]);
    let (handle, _task) = site.start(wanted.clone()).await;
    assert_eq!(site.dataplane.policies(), [Policy::default()]);

    wanted.director.timeouts.udp = Duration::from_secs(7);
    wanted.director.ipvs.expire_nodest_conn = true;
    handle.replace(wanted.clone()).await.unwrap();
    let policy = Policy {
        timeouts: wanted.director.timeouts,
        ipvs: wanted.director.ipvs,
        ..Policy::default()
    };
    assert_eq!(site.dataplane.policy(), Some(policy));

    handle.replace(wanted.clone()).await.unwrap();
    assert_eq!(site.dataplane.policies().len(), 2);

    site.dataplane.take_actions();
    wanted.director.ipvs.rules = KernelRules::V6_1_176;
    handle.replace(wanted).await.unwrap();
    let actions = site.dataplane.take_actions();
    assert!(
        matches!(actions[..], [Action::Publish { .. }]),
        "{actions:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn marks_are_given_from_the_start_and_when_they_change() {
    let site = Site::new();
    let rule = |mark| MarkRule {
        mark: NonZeroU32::new(mark).unwrap(),
        family: Family::Ipv4,
        destination: Some((address(9).vip, 32)),
        source: None,
        protocol: None,
        ports: None,
        source_ports: None,
        interface: None,
    };
    let mut wanted = desired(vec![]);
    wanted.director.marks = vec![rule(1)];
    let (handle, _task) = site.start(wanted.clone()).await;
    assert_eq!(site.dataplane.mark_rules(), [rule(1)]);
    assert_eq!(site.net.vips("eth0"), [address(9).vip].into());

    let mut refused = desired(vec![service(0, &[(1, 1)])]);
    refused.director.marks = vec![MarkRule {
        interface: Some("eth9".to_owned()),
        ..rule(2)
    }];
    let error = handle.replace(refused).await.unwrap_err();
    assert!(matches!(error, ControlError::Apply(_)), "{error:?}");
    assert_eq!(site.dataplane.mark_rules(), [rule(1)]);
    assert!(site.dataplane.actual().services.is_empty());

    wanted.director.marks = vec![rule(2), rule(3)];
    handle.replace(wanted.clone()).await.unwrap();
    assert_eq!(site.dataplane.mark_rules(), [rule(2), rule(3)]);

    wanted.director.marks.clear();
    handle.replace(wanted).await.unwrap();
    assert_eq!(site.dataplane.mark_rules(), []);
    assert!(site.net.vips("eth0").is_empty());
}
