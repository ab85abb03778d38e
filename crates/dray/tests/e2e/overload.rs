//! Upper thresholds: a real server that has enough connections gets no more.

use std::{io::ErrorKind, net::TcpStream, thread};

use dray_api::v1::Standing;
use dray_lab::{Family, VirtualService};

use crate::site::{Kept, assert_served, destination, dropped, lab_with_web, service, start, web};

#[test]
fn real_servers_take_as_many_connections_as_their_thresholds_say() {
    let (lab, vip) = lab_with_web("overload", 2);
    let director = lab.director(0);
    start(director, director.config().service(limited(5)));
    let mut kept: Vec<Kept> = (0..10).map(|_| Kept::open(&lab, vip)).collect();
    for name in ["real1", "real2"] {
        let on_it = kept.iter().filter(|kept| kept.server == name).count();
        assert_eq!(on_it, 5, "{name}");
    }
    let refused = lab.client(0).namespace().run(|| {
        let refused = TcpStream::connect(vip).map_err(|error| error.kind());
        Ok(refused.err())
    });
    assert_eq!(refused.unwrap(), Some(ErrorKind::ConnectionRefused));
    let overloaded = service(director);
    for index in 0..2 {
        let real = lab.topology().real_server(index, Family::V4);
        let destination = destination(&overloaded, real);
        assert_eq!(destination.standing, Standing::Overloaded);
        assert_eq!(destination.upper_threshold, 5);
    }
    kept.iter_mut().for_each(Kept::ask);
    assert_eq!(dropped(director).get("no-destination"), None);

    // Five are below three quarters of eight: there is room again, at once.
    director
        .reload(director.config().service(limited(8)))
        .unwrap();
    kept.extend((0..2).map(|_| Kept::open(&lab, vip)));
    kept.iter_mut().for_each(Kept::ask);
}

#[test]
fn a_threshold_holds_under_load() {
    const LIMIT: u32 = 20;
    let (lab, vip) = lab_with_web("load-limit", 2);
    let director = lab.director(0);
    // The first one is preferred for as long as it takes any.
    let limited = web(Family::V4, &[])
        .scheduler("fo")
        .upper_threshold(LIMIT)
        .real_server(0, 100)
        .upper_threshold(0)
        .real_server(1, 1);
    start(director, director.config().service(limited));
    let load = lab.client(0).http(vip).connections(500).requests(500);
    let report = load.concurrency(32).run().unwrap();
    assert_served(&report);
    // Connections of before count until their time is over. A pick on each other processor may be under way.
    let processors = thread::available_parallelism().unwrap().get() as u64;
    let limit = u64::from(LIMIT);
    let got = report.servers["real1"].connections;
    assert!((limit..limit + processors).contains(&got), "{got}");
}

/// Two real servers that take so many connections each.
fn limited(connections: u32) -> VirtualService {
    web(Family::V4, &[])
        .scheduler("wlc")
        .upper_threshold(connections)
        .weights(&[1, 1])
}
