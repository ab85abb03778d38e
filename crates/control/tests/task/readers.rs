//! What readers get, and the clockwork behind it.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use dray_control::{ConnectionFilter, Rates, TemplateStatus};
use dray_model::{
    Connection, Counters, DataPlane, DestinationId, Family, Mark, ReasonCount, Scheduler,
    ServiceId, Sweep, Template, Verdict,
};
use dray_testkit::eventually;
use tokio::time::sleep;

use crate::site::{Site, address, desired, real, service};

#[tokio::test(start_paused = true)]
async fn the_whole_table_is_swept_every_four_seconds() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![])).await;
    site.dataplane.set_sweep(Sweep {
        alive: 25,
        ended: 1,
        translated: 5,
    });
    sleep(Duration::from_secs(4)).await;
    let sweeps = site.dataplane.sweeps();
    assert!((40..=41).contains(&sweeps.len()), "{} sweeps", sweeps.len());
    assert!(sweeps.iter().all(|parts| *parts == 40));
    let table = handle.status().await.unwrap().director.table;
    assert_eq!((table.connections, table.room), (1000, 4096));
    assert_eq!((table.translated, table.translated_room), (200, 2048));
}

#[tokio::test(start_paused = true)]
async fn rates_are_those_of_ipvs() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site
        .start(desired(vec![service(0, &[(1, 1), (2, 1)])]))
        .await;
    let ids = [1, 2].map(|number| {
        site.dataplane
            .destination(address(0), real(number))
            .unwrap()
    });
    // Half a period away from the ticks of the only service, number 1.
    sleep(Duration::from_millis(1150)).await;
    let mut shown = Vec::new();
    for round in 1..=4 {
        for id in ids {
            let counters = Counters {
                connections: 200 * round,
                packets: 0,
                bytes: 250_000 * round,
                ..Counters::default()
            };
            site.dataplane.set_counters(id, counters);
        }
        sleep(Duration::from_secs(2)).await;
        let service = handle.status().await.unwrap().services.remove(0);
        let of_destinations = service.destinations.iter().map(|d| d.traffic.rates);
        let rates: Vec<Rates> = of_destinations.chain([service.traffic.rates]).collect();
        shown.push(rates);
    }
    let connections: Vec<[u64; 3]> = shown
        .iter()
        .map(|rates| [0, 1, 2].map(|index| rates[index].connections))
        .collect();
    assert_eq!(
        connections,
        [[25, 25, 50], [44, 44, 87], [58, 58, 116], [68, 68, 137]]
    );
    assert_eq!(shown[0][0].bytes, 31_250);
    assert_eq!(shown[1][0].bytes, 54_687);
}

#[tokio::test(start_paused = true)]
async fn connections_are_listed_by_every_filter() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site
        .start(desired(vec![
            service(0, &[(1, 1), (2, 1)]),
            service(1, &[(1, 1)]),
        ]))
        .await;
    let connection = |service, number, client: &str, state| Connection {
        service: address(service),
        client: client.parse().unwrap(),
        destination: site
            .dataplane
            .destination(address(service), real(number))
            .unwrap(),
        local: None,
        state,
        expires: Duration::from_secs(800),
        age: Duration::from_secs(100),
    };
    let mut foreign = connection(0, 1, "203.0.113.1:5", "UDP");
    foreign.service = address(9);
    foreign.destination = DestinationId(99);
    site.dataplane.set_connections(vec![
        connection(0, 1, "192.0.2.1:1", "ESTABLISHED"),
        connection(0, 2, "192.0.2.2:2", "FIN_WAIT"),
        connection(1, 1, "198.51.100.1:3", "ESTABLISHED"),
        foreign,
    ]);
    let all = ConnectionFilter::default();
    for (name, filter, ports) in [
        ("all", all.clone(), vec![1, 2, 3, 5]),
        (
            "client",
            ConnectionFilter {
                client: Some(("192.0.2.0".parse().unwrap(), 24)),
                ..all.clone()
            },
            vec![1, 2],
        ),
        (
            "service",
            ConnectionFilter {
                service: Some(service(1, &[]).name),
                ..all.clone()
            },
            vec![3],
        ),
        (
            "real",
            ConnectionFilter {
                real: Some(real(1)),
                ..all.clone()
            },
            vec![1, 3],
        ),
        (
            "state",
            ConnectionFilter {
                state: Some("fin_wait".to_owned()),
                ..all.clone()
            },
            vec![2],
        ),
    ] {
        let found = handle.connections(filter, 10).await.unwrap();
        let clients: Vec<u16> = found.list.iter().map(|c| c.client.port()).collect();
        assert_eq!((clients, found.more), (ports, false), "{name}");
    }
    let few = handle.connections(all, 3).await.unwrap();
    assert_eq!((few.list.len(), few.more), (3, true));
    assert_eq!(few.list[0].real, Some(SocketAddr::new(real(1), 80)));
    assert_eq!(few.list[2].service, Some(service(1, &[]).name));
}

#[tokio::test(start_paused = true)]
async fn templates_are_listed_with_what_they_are_for() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let id = site.dataplane.destination(address(0), real(1)).unwrap();
    let of_address = Template {
        protocol: 6,
        client: "192.0.2.0".parse().unwrap(),
        vip: address(0).vip,
        port: 80,
        destination: id,
        state: "ASSURED",
        expires: Duration::from_secs(300),
        children: 2,
    };
    let of_mark = Template {
        protocol: 0,
        client: "2001:db8::".parse().unwrap(),
        vip: [0, 0, 1, 2].into(),
        port: 0,
        destination: DestinationId(99),
        state: "NONE",
        ..of_address
    };
    site.dataplane.set_templates(vec![of_address, of_mark]);
    let found = handle.templates(10).await.unwrap();
    assert!(!found.more);
    let first = TemplateStatus {
        client: "192.0.2.0".parse().unwrap(),
        to: address(0).into(),
        service: Some(service(0, &[]).name),
        real: Some(real(1)),
        state: "ASSURED",
        expires: Duration::from_secs(300),
        connections: 2,
    };
    let mark = Mark {
        number: NonZeroU32::new(258).unwrap(),
        family: Family::Ipv6,
    };
    let second = TemplateStatus {
        client: "2001:db8::".parse().unwrap(),
        to: mark.into(),
        service: None,
        real: None,
        state: "NONE",
        ..first.clone()
    };
    assert_eq!(found.list, [first, second]);
    let few = handle.templates(1).await.unwrap();
    assert_eq!((few.list.len(), few.more), (1, true));
}

#[tokio::test(start_paused = true)]
async fn status_passes_on_what_the_data_plane_counts() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let reason = ReasonCount {
        name: "not_a_service",
        verdict: Verdict::Pass,
        meaning: "The packet is for no virtual service.",
        packets: 12,
    };
    site.dataplane.set_reasons(vec![reason.clone()]);
    site.dataplane.set_refused(ServiceId(1), 5);
    let status = handle.status().await.unwrap();
    assert_eq!(status.reasons, [reason]);
    assert_eq!(status.services[0].refused, 5);
    assert_eq!(status.services[0].scheduler, Scheduler::WeightedRoundRobin);
    assert_eq!(status.director.interfaces, site.dataplane.interfaces());
}

#[tokio::test(start_paused = true)]
async fn a_director_that_hears_nothing_of_the_network_says_so() {
    let Site {
        dataplane,
        net,
        ledger,
    } = Site::new();
    let (reports, receiver) = tokio::sync::watch::channel(dray_model::Resolutions::default());
    let parts = dray_control::Parts {
        dataplane,
        net,
        resolutions: receiver,
        desired: desired(vec![]).into(),
        ledger: Box::new(ledger),
    };
    let (handle, _task) = dray_control::start(parts).await.unwrap();
    drop(reports);
    eventually!(async !handle.status().await.unwrap().problems.is_empty());
    let problems = handle.status().await.unwrap().problems;
    assert!(problems[0].contains("network"), "{problems:?}");
}

#[tokio::test(start_paused = true)]
async fn one_service_is_told_as_in_the_status_of_all() {
    let site = Site::new();
    site.resolve_all();
    let wanted = desired(vec![service(0, &[(1, 1), (2, 0)]), service(1, &[(1, 1)])]);
    let (handle, _task) = site.start(wanted).await;
    let all = handle.status().await.unwrap().services;
    for expected in all {
        let found = handle.service(expected.name.clone()).await.unwrap();
        assert_eq!(found, Some(expected));
    }
    let unknown = handle.service(service(9, &[]).name).await.unwrap();
    assert_eq!(unknown, None);
}

/// Many services, so that a status of all takes many slices.
fn many(weight: u16) -> dray_model::Desired {
    let mut all = desired(vec![]);
    for number in 0..2000_u16 {
        let [high, low] = number.to_be_bytes();
        let mut one = service(0, &[(1, weight), (2, 1), (3, 1)]);
        one.name = dray_model::ServiceName::new(&format!("many-{number}")).unwrap();
        let mut address = address(0);
        address.vip = [10, 64, high, low].into();
        one.identity = address.into();
        all.services.push(one.into());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_change_does_not_wait_for_a_status_and_the_status_has_it() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(many(1)).await;
    let asked = tokio::spawn({
        let handle = handle.clone();
        async move { handle.status().await.unwrap() }
    });
    tokio::task::yield_now().await;
    let mut after = many(1);
    let first = after.services.remove(0);
    let mut changed = many(5).services.swap_remove(1);
    std::sync::Arc::make_mut(&mut changed).scheduler = Scheduler::RoundRobin;
    after.services[0] = changed;
    after.services.push(first);
    after.services.push(service(7, &[(1, 1)]).into());
    after.services.remove(1);
    handle.replace(after.clone()).await.unwrap();
    assert!(!asked.is_finished(), "the change did not wait for it");
    let status = asked.await.unwrap();
    let names = status.services.iter().map(|service| service.name.as_str());
    let wanted = after.services.iter().map(|service| service.name.as_str());
    assert!(names.eq(wanted));
    let changed = &status.services[0];
    assert_eq!(changed.scheduler, Scheduler::RoundRobin);
    assert_eq!(changed.destinations[0].weight.value(), 5);
    assert_eq!(status, handle.status().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn readers_that_have_gone_cost_nothing_more() {
    let site = Site::new();
    let (handle, _task) = site.start(many(1)).await;
    let asked = tokio::spawn({
        let handle = handle.clone();
        async move { handle.status().await.unwrap() }
    });
    tokio::task::yield_now().await;
    asked.abort();
    let status = handle.status().await.unwrap();
    assert_eq!(status.services.len(), 2000);
}

#[tokio::test(start_paused = true)]
async fn zeroed_counters_begin_anew_and_what_is_counted_goes_on() {
    let site = Site::new();
    site.resolve_all();
    let wanted = desired(vec![service(0, &[(1, 1), (2, 1)]), service(1, &[(1, 1)])]);
    let (handle, _task) = site.start(wanted).await;
    let count = |service, number, packets| {
        let id = site.dataplane.destination(address(service), real(number));
        let counters = Counters {
            packets,
            ..Counters::default()
        };
        site.dataplane.set_counters(id.unwrap(), counters);
    };
    for (service, number) in [(0, 1), (0, 2), (1, 1)] {
        count(service, number, 100);
    }
    sleep(Duration::from_secs(10)).await;
    assert!(handle.zero(Some(service(0, &[]).name)).await.unwrap());
    assert!(!handle.zero(Some(service(9, &[]).name)).await.unwrap());
    count(0, 1, 130);
    let shown = async || {
        let status = handle.status().await.unwrap();
        let of_services = status.services.iter().map(|service| {
            let parts = service.destinations.iter();
            let traffic = [&service.traffic]
                .into_iter()
                .chain(parts.map(|part| &part.traffic));
            traffic
                .map(|traffic| (traffic.counters.packets, traffic.since_zeroed().packets))
                .collect::<Vec<_>>()
        });
        of_services.collect::<Vec<_>>()
    };
    let zeroed = vec![(230, 30), (130, 30), (100, 0)];
    assert_eq!(shown().await, [zeroed, vec![(100, 100), (100, 100)]]);

    // What a removed real server had is neither lost nor counted as new.
    handle
        .replace(desired(vec![service(0, &[(2, 1)]), service(1, &[(1, 1)])]))
        .await
        .unwrap();
    eventually!(async site.dataplane.destination(address(0), real(1)).is_none());
    assert_eq!(shown().await[0], [(230, 30), (100, 0)]);

    assert!(handle.zero(None).await.unwrap());
    assert_eq!(shown().await, [vec![(230, 0), (100, 0)], vec![(100, 0); 2]]);
}

#[tokio::test(start_paused = true)]
async fn zeroed_rates_begin_anew() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let id = site.dataplane.destination(address(0), real(1)).unwrap();
    sleep(Duration::from_millis(1150)).await;
    let counters = Counters {
        connections: 400,
        ..Counters::default()
    };
    site.dataplane.set_counters(id, counters);
    sleep(Duration::from_secs(2)).await;
    let rates = async || {
        let service = handle.status().await.unwrap().services.remove(0);
        [service.traffic.rates, service.destinations[0].traffic.rates]
            .map(|rates| rates.connections)
    };
    assert_eq!(rates().await, [50, 50]);
    handle.zero(None).await.unwrap();
    assert_eq!(rates().await, [0, 0]);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(rates().await, [0, 0], "nothing has come since");
}
