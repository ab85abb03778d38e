//! The control task against the strict fake of the data plane and a network that does as it is told, on
//! tokio's paused clock.

mod site;

use std::time::Duration;

use dray_control::{
    AddedVip, ConnectionFilter, ControlError, Ineligible, Rates, Standing, StopMode,
};
use dray_model::{
    Action, Connection, Counters, DataPlane, DestinationId, Live, ReasonCount, Scheduler,
    ServiceId, Sweep, Timeouts, Unresolved, VipOwnership,
};
use dray_testkit::{Room, eventually};
use site::{Site, address, desired, hop, real, service};
use tokio::time::sleep;

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

    site.net.resolve([(real(1), hop(1)), (real(2), hop(2))]);
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
async fn a_weight_change_writes_one_record() {
    let site = Site::new();
    site.resolve_all();
    let services = (0..20).map(|number| service(number, &[(1, 1), (2, 1)]));
    let mut wanted = desired(services.collect());
    let (handle, _task) = site.start(wanted.clone()).await;
    site.dataplane.take_actions();

    wanted.services[7] = service(7, &[(1, 1), (2, 5)]);
    let applied = handle.replace(wanted).await.unwrap();
    assert_eq!((applied.services, applied.reals), (20, 40));
    assert_eq!((applied.services_changed, applied.steps), (1, 1));
    let actions = site.dataplane.take_actions();
    assert!(
        matches!(&actions[..], [Action::Publish { address: of, .. }] if *of == address(7)),
        "{actions:?}"
    );
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
    };
    let counters = Counters {
        connections: 3,
        packets: 30,
        bytes: 300,
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
async fn a_removed_service_is_shown_while_its_connections_last() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let id = site.dataplane.destination(address(0), real(1)).unwrap();
    let live = Live {
        active: 1,
        inactive: 0,
    };
    site.dataplane.set_live(id, live);
    handle.replace(desired(vec![])).await.unwrap();
    let status = handle.status().await.unwrap();
    assert_eq!(status.leaving.len(), 1);
    assert_eq!(status.leaving[0].address, address(0));
    assert_eq!(status.leaving[0].destinations[0].id, Some(id));

    site.dataplane.set_live(id, Live::default());
    eventually!(async site.dataplane.actual().destinations.is_empty());
    eventually!(async site.dataplane.actual().hops.is_empty());
    assert_eq!(handle.status().await.unwrap().leaving, []);
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
    let numbers = 0..4;
    let after = desired(numbers.map(|number| service(number, &[(1, 9)])).collect());
    let error = handle.replace(after).await.unwrap_err();
    assert!(matches!(error, ControlError::Apply(_)), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.to_string().starts_with("failed to publish service"));
    assert!(
        cause
            .source()
            .unwrap()
            .to_string()
            .starts_with("no room for a service")
    );

    assert_eq!(site.dataplane.actual().services, actual.services);
    eventually!(async site.dataplane.actual() == actual);
    let status = handle.status().await.unwrap();
    assert_eq!(status.services.len(), 1);
    assert_eq!(status.problems, [] as [String; 0]);
    assert_eq!(handle.replace(before).await.unwrap().steps, 0);
}

#[tokio::test(start_paused = true)]
async fn a_data_plane_that_refuses_everything_is_brought_up_to_date_when_it_recovers() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site
        .start(desired(vec![service(0, &[(1, 1)]), service(1, &[(2, 1)])]))
        .await;
    let services = site.dataplane.actual().services;
    site.dataplane.refuse_after(1);
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
async fn what_only_a_new_start_can_change_is_refused() {
    let site = Site::new();
    let before = desired(vec![]);
    let (handle, _task) = site.start(before.clone()).await;

    let mut after = before.clone();
    after.director.interfaces.push("eth1".to_owned());
    let error = handle.replace(after).await.unwrap_err();
    assert!(
        error.to_string().contains("`director.interfaces`"),
        "{error}"
    );

    let mut after = before;
    after.director.max_connections = after.director.max_connections.saturating_add(1);
    let error = handle.replace(after).await.unwrap_err();
    assert!(
        error.to_string().contains("`director.max_connections`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn timeouts_are_set_at_the_start_and_when_they_change() {
    let site = Site::new();
    let mut wanted = desired(vec![]);
    let (handle, _task) = site.start(wanted.clone()).await;
    assert_eq!(site.dataplane.timeouts(), Some(Timeouts::default()));
    wanted.director.timeouts.udp = Duration::from_secs(7);
    let timeouts = wanted.director.timeouts;
    handle.replace(wanted).await.unwrap();
    assert_eq!(site.dataplane.timeouts(), Some(timeouts));
}

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
    let mut dataplane = task.await.unwrap();
    assert!(dataplane.observe().unwrap().services.is_empty());
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

#[tokio::test(start_paused = true)]
async fn the_whole_table_is_swept_every_four_seconds() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![])).await;
    site.dataplane.set_sweep(Sweep {
        alive: 25,
        ended: 1,
    });
    sleep(Duration::from_secs(4)).await;
    let sweeps = site.dataplane.sweeps();
    assert!((40..=41).contains(&sweeps.len()), "{} sweeps", sweeps.len());
    assert!(sweeps.iter().all(|parts| *parts == 40));
    let table = handle.status().await.unwrap().director.table;
    assert_eq!((table.connections, table.room), (1000, 4096));
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
    assert_eq!(few.list[0].real, Some(real(1)));
    assert_eq!(few.list[2].service, Some(service(1, &[]).name));
}

#[tokio::test(start_paused = true)]
async fn status_passes_on_what_the_data_plane_counts() {
    let site = Site::new();
    let (handle, _task) = site.start(desired(vec![service(0, &[(1, 1)])])).await;
    let reason = ReasonCount {
        name: "not_a_service",
        passes: true,
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
    let (reports, receiver) = tokio::sync::watch::channel(std::sync::Arc::default());
    let parts = dray_control::Parts {
        dataplane,
        net,
        resolutions: receiver,
        desired: desired(vec![]),
        ledger: Box::new(ledger),
    };
    let (handle, _task) = dray_control::start(parts).await.unwrap();
    drop(reports);
    eventually!(async !handle.status().await.unwrap().problems.is_empty());
    let problems = handle.status().await.unwrap().problems;
    assert!(problems[0].contains("network"), "{problems:?}");
}
