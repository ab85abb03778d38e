//! Tunnels, NAT and FULLNAT: local addresses, ways, and what readers see of them.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use dray_control::{ControlError, Ineligible, Standing};
use dray_model::{
    ActualDestination, Connection, Desired, Forward, Hop, ReasonCount, Rewrite, Tunnel,
    TunnelSource, Unresolved, Verdict, Way,
};
use dray_testkit::eventually;
use tokio::time::sleep;

use crate::site::{Site, address, desired, first, real, service, way};

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 5));
const OTHER_LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 6));

/// A service with one real server that is reached so.
fn reached_by(forward: Forward) -> Desired {
    let mut wanted = desired(vec![service(0, &[(1, 1)])]);
    first(&mut wanted).reals[0].forward = forward;
    if forward == Forward::FullNat {
        wanted.director.fullnat.addresses = vec![LOCAL];
    }
    wanted
}

fn far(number: u8) -> Way {
    Way {
        gateway: Some([10, 77, 0, 254].into()),
        shared: None,
        ..way(number)
    }
}

/// The only destination.
fn destination(site: &Site) -> ActualDestination {
    let actual = site.dataplane.actual();
    let mut all = actual.destinations.values();
    *all.next().expect("a destination")
}

fn hop(site: &Site) -> Hop {
    let actual = site.dataplane.actual();
    actual.hops[&destination(site).hop.expect("a next hop")]
}

#[tokio::test(start_paused = true)]
async fn local_addresses_are_the_data_planes_and_on_the_interface() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(reached_by(Forward::FullNat)).await;
    let mut wanted = reached_by(Forward::FullNat);
    assert_eq!(site.dataplane.local_addresses(), wanted.director.fullnat);
    assert_eq!(site.net.vips("eth0"), [address(0).vip, LOCAL].into());

    wanted.director.fullnat.addresses = vec![OTHER_LOCAL];
    handle.replace(wanted.clone()).await.unwrap();
    assert_eq!(site.dataplane.local_addresses(), wanted.director.fullnat);
    assert_eq!(site.net.vips("eth0"), [address(0).vip, OTHER_LOCAL].into());
    let status = handle.status().await.unwrap().director;
    assert_eq!(status.fullnat, wanted.director.fullnat);
    assert_eq!(status.vips.len(), 2);

    handle.replace(reached_by(Forward::Nat)).await.unwrap();
    assert_eq!(site.net.vips("eth0"), [address(0).vip].into());
    assert!(site.dataplane.local_addresses().addresses.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_local_address_stays_on_the_interface_while_connections_come_from_it() {
    let site = Site::new();
    site.resolve_all();
    let wanted = reached_by(Forward::FullNat);
    let (handle, task) = site.start(wanted.clone()).await;
    let id = site.dataplane.destination(address(0), real(1)).unwrap();
    let connection = Connection {
        service: address(0),
        client: "192.0.2.1:1024".parse().unwrap(),
        destination: id,
        local: Some(SocketAddr::new(LOCAL, 5000)),
        state: "ESTABLISHED",
        expires: Duration::from_secs(800),
        age: Duration::from_secs(100),
    };
    site.dataplane.set_connections(vec![connection]);
    let mut other = wanted;
    other.director.fullnat.addresses = vec![OTHER_LOCAL];
    handle.replace(other.clone()).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let both = [address(0).vip, LOCAL, OTHER_LOCAL].into();
    assert_eq!(site.net.vips("eth0"), both);

    // Another daemon knows of it by the ledger.
    handle
        .stop(dray_control::StopMode::KeepForwarding)
        .await
        .unwrap();
    task.await.unwrap();
    let (handle, _task) = site.start(other).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(site.net.vips("eth0"), both);

    site.dataplane.set_connections(Vec::new());
    eventually!(async site.net.vips("eth0") == [address(0).vip, OTHER_LOCAL].into());
    assert!(handle.status().await.unwrap().problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn local_addresses_that_are_refused_leave_the_state_of_before_in_force() {
    let site = Site::new();
    site.resolve_all();
    let before = reached_by(Forward::DirectRouting);
    let (handle, _task) = site.start(before).await;
    let mut after = reached_by(Forward::FullNat);
    let many = (0..=u8::MAX).flat_map(|low| [[10, 78, 0, low], [10, 78, 1, low]]);
    after.director.fullnat.addresses = many.map(IpAddr::from).collect();
    let error = handle.replace(after).await.unwrap_err();
    assert!(matches!(error, ControlError::Apply(_)), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "failed to take 512 local addresses for FULLNAT");
    assert_eq!(destination(&site).forward, Forward::DirectRouting);
    assert_eq!(site.net.vips("eth0"), [address(0).vip].into());
}

#[tokio::test(start_paused = true)]
async fn local_addresses_that_the_data_plane_could_not_take_back_are_tried_again() {
    let site = Site::new();
    site.resolve_all();
    let (handle, _task) = site.start(reached_by(Forward::FullNat)).await;
    site.dataplane.refuse_after(1);
    let mut after = reached_by(Forward::FullNat);
    after.director.fullnat.addresses = vec![OTHER_LOCAL];
    first(&mut after).reals[0].weight = dray_model::Weight::new(9);
    let error = handle.replace(after).await.unwrap_err();
    assert!(matches!(error, ControlError::Stuck { .. }), "{error:?}");
    assert_eq!(
        site.dataplane.local_addresses().addresses,
        [OTHER_LOCAL],
        "taken before the refusal"
    );
    site.dataplane.accept();
    eventually!(async site.dataplane.local_addresses().addresses == [LOCAL]);
    assert!(handle.status().await.unwrap().problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_real_server_behind_a_gateway_is_shown_with_it_and_why_direct_routing_cannot() {
    let site = Site::new();
    site.net.resolve([(real(1), far(1))]);
    let (handle, _task) = site.start(reached_by(Forward::DirectRouting)).await;
    let gateway = [10, 77, 0, 254].into();
    let mut shown = handle.status().await.unwrap().services.remove(0);
    let why = Standing::NotEligible(Ineligible::BehindGateway { gateway });
    assert_eq!(shown.destinations[0].standing, why);
    let Standing::NotEligible(why) = &shown.destinations[0].standing else {
        panic!("eligible")
    };
    assert_eq!(
        why.to_string(),
        "it is behind the gateway 10.77.0.254; direct routing needs it on a network of the director (use tun or \
         fullnat)"
    );

    let tunnel = Forward::Tunnel(Tunnel::IpIp);
    handle.replace(reached_by(tunnel)).await.unwrap();
    shown = handle.status().await.unwrap().services.remove(0);
    let [reached] = &shown.destinations[..] else {
        panic!("not one destination")
    };
    assert_eq!(
        (&reached.standing, reached.gateway, reached.forward),
        (&Standing::Eligible, Some(gateway), tunnel)
    );
    assert_eq!((reached.port, reached.hop), (80, Some(hop(&site))));
}

#[tokio::test(start_paused = true)]
async fn another_tunnel_source_moves_every_tunnel() {
    let site = Site::new();
    site.resolve_all();
    let mut wanted = reached_by(Forward::Tunnel(Tunnel::IpIp));
    let (handle, _task) = site.start(wanted.clone()).await;
    let source = |site: &Site| match hop(site).rewrite {
        Rewrite::Tunnel { source, spread, .. } => (source, spread),
        other => panic!("no tunnel: {other:?}"),
    };
    assert_eq!(source(&site), ([10, 77, 0, 1].into(), 0));
    wanted.director.tunnels.ipv4 = Some(TunnelSource {
        address: [10, 64, 0, 0].into(),
        spread: 8,
    });
    handle.replace(wanted).await.unwrap();
    assert_eq!(source(&site), ([10, 64, 0, 0].into(), 8));

    let moved = Way {
        source: Some([10, 77, 0, 2].into()),
        ..way(1)
    };
    handle
        .replace(reached_by(Forward::Tunnel(Tunnel::IpIp)))
        .await
        .unwrap();
    site.net.resolve([(real(1), moved)]);
    eventually!(async source(&site) == ([10, 77, 0, 2].into(), 0));
}

#[tokio::test(start_paused = true)]
async fn the_director_itself_cannot_be_a_translated_real_server() {
    let site = Site::new();
    site.net.unresolve(real(1), Unresolved::Local);
    let (handle, _task) = site.start(reached_by(Forward::Nat)).await;
    let shown = handle.status().await.unwrap().services.remove(0);
    let why = Ineligible::Translated { method: "nat" };
    assert_eq!(
        shown.destinations[0].standing,
        Standing::NotEligible(why.clone())
    );
    assert!(why.to_string().contains("use dr or tun"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn connections_show_what_the_real_server_sees() {
    let site = Site::new();
    site.resolve_all();
    let mut wanted = reached_by(Forward::FullNat);
    first(&mut wanted).reals[0].port = 8080;
    let (handle, _task) = site.start(wanted).await;
    let local = SocketAddr::new(LOCAL, 5000);
    let connection = Connection {
        service: address(0),
        client: "192.0.2.1:1024".parse().unwrap(),
        destination: site.dataplane.destination(address(0), real(1)).unwrap(),
        local: Some(local),
        state: "ESTABLISHED",
        expires: Duration::from_secs(800),
        age: Duration::from_secs(100),
    };
    site.dataplane.set_connections(vec![connection]);
    let found = handle
        .connections(dray_control::ConnectionFilter::default(), 10)
        .await
        .unwrap();
    let [shown] = &found.list[..] else {
        panic!("not one connection")
    };
    let server = SocketAddr::new(real(1), 8080);
    assert_eq!((shown.real, shown.local), (Some(server), Some(local)));
    assert_eq!(shown.forward, Some(Forward::FullNat));
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_runs_out_is_told_in_the_status() {
    let site = Site::new();
    let (handle, _task) = site.start(reached_by(Forward::FullNat)).await;
    let counted = |packets| {
        vec![ReasonCount {
            name: "ports-exhausted",
            verdict: Verdict::Drop,
            meaning: "A new connection found no free local address and port.",
            packets,
        }]
    };
    site.dataplane.set_reasons(counted(3));
    sleep(Duration::from_secs(3)).await;
    assert!(handle.status().await.unwrap().problems.is_empty());
    site.dataplane.set_reasons(counted(4));
    eventually!(async !handle.status().await.unwrap().problems.is_empty());
    let problems = handle.status().await.unwrap().problems;
    assert!(problems[0].contains("[director.fullnat]"), "{problems:?}");
    sleep(Duration::from_secs(61)).await;
    assert!(handle.status().await.unwrap().problems.is_empty());
}
