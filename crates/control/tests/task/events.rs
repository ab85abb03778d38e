//! What listeners hear, and in which order.

use std::time::Duration;

use dray_control::{AddedVip, Event, Happening, Ineligible, Shortage};
use dray_model::{
    Defence, Desired, Live, ReasonCount, ServiceName, Thresholds, Unresolved, Verdict,
    document::Endpoint,
};
use dray_testkit::eventually;
use tokio::{
    sync::broadcast::{Receiver, error::TryRecvError},
    time::{sleep, timeout},
};

use crate::site::{Site, address, desired, real, service, way};

fn name(number: u8) -> ServiceName {
    service(number, &[]).name
}

fn endpoint(number: u8) -> Endpoint {
    real(number).to_string().parse().unwrap()
}

fn vip(number: u8) -> AddedVip {
    AddedVip {
        interface: "eth0".to_owned(),
        vip: address(number).vip,
    }
}

/// What has happened up to now.
fn heard(events: &mut Receiver<Event>) -> Vec<Happening> {
    std::iter::from_fn(|| events.try_recv().ok())
        .map(|event| event.what)
        .collect()
}

/// The next thing that happens.
async fn next(events: &mut Receiver<Event>) -> Happening {
    let event = timeout(dray_testkit::patience(), events.recv()).await;
    event.expect("something happens").unwrap().what
}

fn settings(desired: &Desired, service: usize, real: usize) -> dray_model::RealServer {
    desired.services[service].reals[real]
}

#[tokio::test(start_paused = true)]
async fn a_new_service_its_real_servers_and_its_vip_are_told_before_the_configuration() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![])).await;
    let mut events = handle.events();
    let wanted = desired(vec![service(0, &[(1, 3)])]);
    handle.replace(wanted.clone()).await.unwrap();
    let added = Happening::RealAdded {
        service: name(0),
        real: endpoint(1),
        settings: settings(&wanted, 0, 0),
    };
    let told = [
        Happening::ServiceAdded {
            service: name(0),
            identity: address(0).into(),
        },
        added,
        Happening::Replaced {
            added: 1,
            changed: 0,
            removed: 0,
            director: false,
        },
        Happening::Reachable {
            service: name(0),
            real: endpoint(1),
        },
        Happening::VipAdded(vip(0)),
    ];
    assert_eq!(heard(&mut events), told);
}

#[tokio::test(start_paused = true)]
async fn a_removed_service_its_real_servers_and_its_vip_are_told() {
    let site = Site::new();
    site.resolve_all();
    let before = desired(vec![service(0, &[(1, 3)])]);
    let (handle, _task) = site.start(before.clone()).await;
    let mut events = handle.events();
    handle.replace(desired(vec![])).await.unwrap();
    let removed = Happening::RealRemoved {
        service: name(0),
        real: endpoint(1),
        settings: settings(&before, 0, 0),
    };
    let told = [
        removed,
        Happening::ServiceRemoved {
            service: name(0),
            identity: address(0).into(),
        },
        Happening::Replaced {
            added: 0,
            changed: 0,
            removed: 1,
            director: false,
        },
        Happening::VipWithdrawn(vip(0)),
    ];
    assert_eq!(heard(&mut events), told);
}

#[tokio::test(start_paused = true)]
async fn what_is_other_in_a_service_is_told_piece_by_piece() {
    let site = Site::new();
    site.resolve_all();
    let before = desired(vec![service(0, &[(1, 3), (2, 1), (3, 0)])]);
    let (handle, _task) = site.start(before.clone()).await;
    let mut events = handle.events();

    let mut after = service(0, &[(1, 0), (3, 2), (4, 1)]);
    after.options.one_packet = true;
    let after = desired(vec![after]);
    handle.replace(after.clone()).await.unwrap();
    let changed = |number, was: usize, is: usize| Happening::RealChanged {
        service: name(0),
        real: endpoint(number),
        before: settings(&before, 0, was),
        after: settings(&after, 0, is),
    };
    let (service, real) = (name(0), endpoint);
    let told = [
        Happening::ServiceChanged {
            service: service.clone(),
            identity: address(0).into(),
        },
        changed(1, 0, 0),
        Happening::Quiesced {
            service: service.clone(),
            real: real(1),
        },
        changed(3, 2, 1),
        Happening::Resumed {
            service: service.clone(),
            real: real(3),
        },
        Happening::RealRemoved {
            service: service.clone(),
            real: real(2),
            settings: settings(&before, 0, 1),
        },
        Happening::RealAdded {
            service: service.clone(),
            real: real(4),
            settings: settings(&after, 0, 2),
        },
        Happening::Replaced {
            added: 0,
            changed: 1,
            removed: 0,
            director: false,
        },
        Happening::Reachable {
            service,
            real: real(4),
        },
    ];
    assert_eq!(heard(&mut events), told);

    handle.replace(after).await.unwrap();
    let nothing = Happening::Replaced {
        added: 0,
        changed: 0,
        removed: 0,
        director: false,
    };
    assert_eq!(heard(&mut events), [nothing]);
}

#[tokio::test(start_paused = true)]
async fn the_way_to_a_real_server_is_told_when_it_comes_and_when_it_goes() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let mut events = handle.events();
    site.net.resolve([(real(1), way(1))]);
    let (service, real_name) = (name(0), endpoint(1));
    let reachable = Happening::Reachable {
        service: service.clone(),
        real: real_name,
    };
    assert_eq!(next(&mut events).await, reachable);

    let interface = "eth0".to_owned();
    let silent = Unresolved::NoAnswer { interface };
    site.net.unresolve(real(1), silent.clone());
    let unreachable = Happening::Unreachable {
        service,
        real: real_name,
        why: Ineligible::Unresolved(silent),
    };
    assert_eq!(next(&mut events).await, unreachable);
    assert_eq!(events.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test(start_paused = true)]
async fn a_real_server_at_a_port_of_its_own_is_named_with_it() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![])).await;
    let mut events = handle.events();
    let mut other = service(0, &[(1, 1)]);
    other.reals[0].forward = dray_model::Forward::Nat;
    other.reals[0].port = 8080;
    handle.replace(desired(vec![other])).await.unwrap();
    let named: Vec<String> = heard(&mut events)
        .into_iter()
        .filter_map(|what| match what {
            Happening::RealAdded { real, .. } | Happening::Reachable { real, .. } => {
                Some(real.to_string())
            }
            _ => None,
        })
        .collect();
    assert_eq!(named, ["10.77.0.11:8080"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_refused_changes_and_tells_nothing() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let mut events = handle.events();
    site.dataplane.refuse_after(0);
    let wanted = desired(vec![service(0, &[(1, 2)]), service(1, &[(2, 1)])]);
    handle.replace(wanted).await.unwrap_err();
    assert_eq!(heard(&mut events), []);
}

#[tokio::test(start_paused = true)]
async fn a_real_server_is_told_to_be_overloaded_and_relieved() {
    let site = Site::new();
    site.resolve_all();
    let mut limited = service(0, &[(1, 1), (2, 1)]);
    limited.reals[0].thresholds = Thresholds {
        upper: 10,
        lower: 5,
    };
    let (handle, _task) = site.start(desired(vec![limited])).await;
    let mut events = handle.events();
    let id = site.dataplane.destination(address(0), real(1)).unwrap();
    let live = |overloaded| Live {
        active: 10,
        overloaded,
        ..Live::default()
    };
    for (overloaded, told) in [
        (
            true,
            Happening::Overloaded {
                service: name(0),
                real: endpoint(1),
            },
        ),
        (
            false,
            Happening::Relieved {
                service: name(0),
                real: endpoint(1),
            },
        ),
    ] {
        site.dataplane.set_live(id, live(overloaded));
        assert_eq!(next(&mut events).await, told);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(heard(&mut events), [], "once is enough");
    }
}

#[tokio::test(start_paused = true)]
async fn defences_and_shortages_are_told() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![])).await;
    let mut events = handle.events();
    let mut always = desired(vec![]);
    always.director.ipvs.secure_tcp = Defence::On;
    handle.replace(always).await.unwrap();
    let told = heard(&mut events);
    let Happening::DefencesChanged { before, after } = &told[1] else {
        panic!("{told:?}");
    };
    assert!(matches!(
        told[0],
        Happening::Replaced { director: true, .. }
    ));
    assert_eq!((before.secure_tcp, after.secure_tcp), (false, true));

    let full = |packets| ReasonCount {
        name: "table-full",
        verdict: Verdict::Forward,
        meaning: "",
        packets,
    };
    site.dataplane.set_reasons(vec![full(3)]);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(heard(&mut events), [], "what was before is no news");
    site.dataplane.set_reasons(vec![full(4)]);
    let connections = Shortage::Connections;
    assert_eq!(
        next(&mut events).await,
        Happening::ShortageBegan(connections)
    );
    let problems = handle.status().await.unwrap().problems;
    assert!(problems[0].contains("`max_connections`"), "{problems:?}");
    sleep(Duration::from_secs(50)).await;
    assert_eq!(heard(&mut events), []);
    assert_eq!(
        next(&mut events).await,
        Happening::ShortageEnded(connections)
    );
}

#[tokio::test(start_paused = true)]
async fn numbers_go_up_by_one_and_events_end_with_the_director() {
    let site = Site::new();
    site.resolve_all();
    let (handle, task) = site.start(desired(vec![])).await;
    let mut events = handle.events();
    for weight in 1..=3 {
        let wanted = desired(vec![service(0, &[(1, weight)])]);
        handle.replace(wanted).await.unwrap();
    }
    drop(handle);
    task.await.unwrap();
    let mut numbers = Vec::new();
    while let Ok(event) = events.recv().await {
        numbers.push(event.number);
    }
    let first = numbers[0];
    let expected: Vec<u64> = (first..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
    assert!(numbers.len() > 5);
}

#[tokio::test(start_paused = true)]
async fn an_overload_that_ends_with_its_real_server_is_not_the_next_ones() {
    let site = Site::new();
    site.resolve_all();
    let limited = |number| {
        let mut limited = service(0, &[(number, 1)]);
        limited.reals[0].thresholds = Thresholds {
            upper: 10,
            lower: 5,
        };
        desired(vec![limited])
    };
    let (handle, _task) = site.start(limited(1)).await;
    let mut events = handle.events();
    let id = site.dataplane.destination(address(0), real(1)).unwrap();
    let overloaded = Live {
        overloaded: true,
        ..Live::default()
    };
    site.dataplane.set_live(id, overloaded);
    assert!(matches!(
        next(&mut events).await,
        Happening::Overloaded { .. }
    ));
    handle.replace(desired(vec![])).await.unwrap();
    eventually!(async site.dataplane.destination(address(0), real(1)).is_none());
    handle.replace(limited(2)).await.unwrap();
    assert_eq!(
        site.dataplane.destination(address(0), real(2)),
        Some(id),
        "the number is given anew"
    );
    sleep(Duration::from_secs(10)).await;
    let told = heard(&mut events);
    let relieved = |what: &Happening| matches!(what, Happening::Relieved { .. });
    assert!(!told.iter().any(relieved), "{told:?}");
}
