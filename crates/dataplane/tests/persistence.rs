//! Persistence: a client's connections go to the real server of its first one, as long as its template lasts.

mod common;

use std::{net::IpAddr, num::NonZeroU32};

use common::*;
use dray_model::{
    Action, DataPlane as _, DestinationId, Family, Granularity, Persistence, ServiceOptions,
    Template,
};
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const RST: TcpFlags = TcpFlags::RST;
const WEB: &str = "10.0.0.100:80";
const WEB6: &str = "[fd00::100]:80";

/// A director with three real servers behind a persistent service; `rr` gives the newest first: 3, 2, 1, 3 and so on.
fn director() -> Director {
    let mut director = Director::new();
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("tcp://{WEB}"), Kind::RoundRobin, options, &[1; 3]);
    director
}

/// Such a director, whose templates are treated as IPVS treats them.
fn like_ipvs() -> Director {
    let mut director = director();
    director.policy(|policy| {
        policy.ipvs.keep_template_timeout = false;
        policy.ipvs.expire_quiescent_template = false;
    });
    director
}

fn segment(host: u8, port: u16, flags: TcpFlags) -> Frame {
    tcp(&format!("192.0.2.{host}:{port}"), WEB, flags)
}

/// The destination of a new connection.
fn open(director: &mut Director, host: u8, port: u16) -> u32 {
    director.forwarded(&segment(host, port, SYN))
}

/// The only template.
fn template(director: &mut Director) -> Template {
    let mut templates = director.templates();
    assert_eq!(templates.len(), 1, "{templates:?}");
    templates.remove(0)
}

/// Whether the template ends in so many seconds, give or take two ticks.
fn ends_in(template: &Template, wanted: u64) -> bool {
    template.expires.abs_diff(seconds(wanted)).as_millis() < 150
}

#[test]
fn all_connections_of_a_client_go_to_one_real_server() {
    let mut director = director();
    for port in 4000..4005 {
        assert_eq!(open(&mut director, 1, port), 3);
    }
    for port in 4000..4002 {
        assert_eq!(
            open(&mut director, 2, port),
            2,
            "the turn after the first client's"
        );
    }
    let mut templates = director.templates();
    templates.sort_by_key(|template| template.client);
    let told: Vec<_> = templates
        .iter()
        .map(|template| {
            (
                template.client.to_string(),
                template.destination.0,
                template.children,
            )
        })
        .collect();
    let wanted = [
        ("192.0.2.1".to_owned(), 3, 5),
        ("192.0.2.2".to_owned(), 2, 2),
    ];
    assert_eq!(told, wanted);
    let Template {
        protocol,
        vip,
        port,
        state,
        ..
    } = templates[0].clone();
    let vip_and_port = (IpAddr::from([10, 0, 0, 100]), 80);
    assert_eq!((protocol, (vip, port), state), (6, vip_and_port, "NONE"));
}

#[test]
fn a_template_counts_for_its_real_server_and_is_no_connection() {
    let mut director = director();
    for port in 4000..4003 {
        open(&mut director, 1, port);
    }
    let live = director.all_live(3);
    assert_eq!((live.persistent, live.active, live.inactive), (1, 3, 0));
    assert_eq!(director.counters(3).connections, 3);
    assert_eq!(director.list().len(), 3);
}

#[test]
fn clients_of_one_network_count_as_one() {
    let mut director = Director::new();
    let options = |granularity| ServiceOptions {
        persistence: Some(Persistence {
            timeout: NonZeroU32::new(360).unwrap(),
            granularity,
            engine: None,
        }),
        one_packet: false,
    };
    let (four, six) = (
        Granularity::Ipv4([255, 255, 255, 0].into()),
        Granularity::Ipv6(65),
    );
    director.service_with(
        &format!("tcp://{WEB}"),
        Kind::RoundRobin,
        options(four),
        &[1; 3],
    );
    director.service_with(
        &format!("tcp://{WEB6}"),
        Kind::RoundRobin,
        options(six),
        &[1; 3],
    );
    for (client, destination) in [
        ("192.0.2.1:1", 3),
        ("192.0.2.255:1", 3),
        ("192.0.3.1:1", 2),
        ("192.0.2.77:1", 3),
    ] {
        assert_eq!(
            director.forwarded(&tcp(client, WEB, SYN)),
            destination,
            "{client}"
        );
    }
    for (client, destination) in [
        ("[2001:db8::1]:1", 6),
        ("[2001:db8::7fff:1:1:1]:1", 6),
        ("[2001:db8::8000:0:0:1]:1", 5),
        ("[2001:db8:0:1::1]:1", 4),
    ] {
        assert_eq!(
            director.forwarded(&tcp(client, WEB6, SYN)),
            destination,
            "{client}"
        );
    }
    let mut clients: Vec<IpAddr> = director
        .templates()
        .iter()
        .map(|template| template.client)
        .collect();
    clients.sort();
    let wanted = [
        "192.0.2.0",
        "192.0.3.0",
        "2001:db8::",
        "2001:db8::8000:0:0:0",
        "2001:db8:0:1::",
    ];
    assert_eq!(
        clients,
        wanted.map(|client| client.parse::<IpAddr>().unwrap())
    );
}

#[test]
fn each_service_has_its_own_templates() {
    let mut director = director();
    let options = persistent(360, Family::Ipv4);
    director.service_with("tcp://10.0.0.100:443", Kind::RoundRobin, options, &[1; 3]);
    director.service_with("udp://10.0.0.100:80", Kind::RoundRobin, options, &[1; 3]);
    let client = "192.0.2.1:4000";
    assert_eq!(director.forwarded(&tcp(client, WEB, SYN)), 3);
    assert_eq!(director.forwarded(&tcp(client, "10.0.0.100:443", SYN)), 6);
    assert_eq!(director.forwarded(&udp(client, WEB)), 9);
    assert_eq!(director.templates().len(), 3);
}

#[test]
fn a_template_ends_with_a_connection_of_the_same_timeout() {
    let mut director = Director::new();
    director.policy(|policy| policy.timeouts.udp = seconds(3));
    let options = persistent(3, Family::Ipv4);
    director.service_with(&format!("udp://{WEB}"), Kind::RoundRobin, options, &[1]);
    assert_eq!(director.forwarded(&udp("192.0.2.1:4000", WEB)), 1);
    // Each tick is looked at: in none of them may the connection outlast the template, which would then go on for a minute.
    for _ in 0..50 {
        director.advance(dray_abi::duration_of_ticks(1));
        director.sweep();
    }
    assert_eq!((director.list(), director.templates()), (vec![], vec![]));
}

#[test]
fn a_template_lasts_for_its_timeout_after_the_last_new_connection() {
    let mut director = director();
    assert_eq!(open(&mut director, 1, 4000), 3);
    director.advance(seconds(61));
    director.sweep();
    assert_eq!(director.list(), []);
    assert_eq!(template(&mut director).children, 0);

    director.advance(seconds(240));
    assert_eq!(open(&mut director, 1, 4001), 3);
    assert!(
        ends_in(&template(&mut director), 360),
        "{:?}",
        director.templates()
    );
    director.advance(seconds(61));
    director.sweep();
    director.advance(seconds(298));
    director.sweep();
    assert_eq!(director.all_live(3).persistent, 1);
    director.advance(seconds(2));
    director.sweep();
    assert_eq!(director.templates(), []);
    assert_eq!(director.all_live(3).persistent, 0);
    assert_eq!(open(&mut director, 1, 4002), 2, "the next turn");
}

#[test]
fn a_template_whose_time_is_over_counts_no_more_without_a_sweep() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.keep_template_timeout = false);
    assert_eq!(open(&mut director, 1, 4000), 3);
    director.advance(seconds(61));
    director.sweep();
    director.advance(seconds(300));
    assert_eq!(open(&mut director, 1, 4000), 2);
}

#[test]
fn packets_of_connections_do_not_make_a_template_last() {
    let mut director = director();
    open(&mut director, 1, 4000);
    director.forwarded(&segment(1, 4000, ACK));
    for _ in 0..3 {
        director.advance(seconds(100));
        director.forwarded(&segment(1, 4000, ACK));
    }
    assert!(
        ends_in(&template(&mut director), 60),
        "{:?}",
        director.templates()
    );
}

#[test]
fn a_template_with_connections_goes_on_with_its_own_timeout() {
    let mut director = director();
    open(&mut director, 1, 4000);
    director.forwarded(&segment(1, 4000, ACK));
    director.advance(seconds(361));
    director.sweep();
    assert!(
        ends_in(&template(&mut director), 359),
        "{:?}",
        director.templates()
    );
    // So do all its connections that come from now on.
    assert_eq!(open(&mut director, 1, 4001), 3);
    assert!(ends_in(&template(&mut director), 360));
}

#[test]
fn like_ipvs_a_template_with_connections_goes_on_for_a_minute_and_has_no_more_from_then_on() {
    let mut director = like_ipvs();
    open(&mut director, 1, 4000);
    director.forwarded(&segment(1, 4000, ACK));
    director.advance(seconds(361));
    director.sweep();
    assert!(
        ends_in(&template(&mut director), 59),
        "{:?}",
        director.templates()
    );
    assert_eq!(open(&mut director, 1, 4001), 3);
    assert!(
        ends_in(&template(&mut director), 60),
        "{:?}",
        director.templates()
    );
    director.forwarded(&segment(1, 4001, ACK));
    // Both connections end.
    for port in [4000, 4001] {
        director.forwarded(&segment(1, port, RST));
    }
    director.advance(seconds(11));
    director.sweep();
    assert_eq!(template(&mut director).children, 0);
    director.advance(seconds(50));
    director.sweep();
    assert_eq!(director.templates(), []);
    assert_eq!(open(&mut director, 1, 4002), 2);
}

#[test]
fn a_template_with_connections_is_found_past_its_time_without_a_sweep() {
    for mut director in [director(), like_ipvs()] {
        open(&mut director, 1, 4000);
        director.forwarded(&segment(1, 4000, ACK));
        director.advance(seconds(400));
        assert_eq!(open(&mut director, 1, 4001), 3);
        assert_eq!(template(&mut director).children, 2);
    }
}

#[test]
fn like_ipvs_a_quiesced_real_server_keeps_its_clients() {
    let mut director = like_ipvs();
    assert_eq!(open(&mut director, 1, 4000), 3);
    director.weigh(3, 0);
    assert_eq!(open(&mut director, 1, 4001), 3);
    assert_ne!(open(&mut director, 2, 4000), 3);
}

#[test]
fn with_expire_quiescent_template_a_quiesced_real_server_loses_its_clients() {
    let mut director = director();
    assert_eq!(open(&mut director, 1, 4000), 3);
    director.weigh(3, 0);
    let other = open(&mut director, 1, 4001);
    assert_ne!(other, 3);
    assert_eq!(open(&mut director, 1, 4002), other);
    assert_eq!(
        director.forwarded(&segment(1, 4000, ACK)),
        3,
        "its connections stay"
    );
    // Nobody finds the old template any more, also when the real server is back; it ends in its time.
    director.weigh(3, 1);
    assert_eq!(open(&mut director, 1, 4003), other);
    assert_eq!(director.templates().len(), 2);
    director.advance(seconds(901));
    director.sweep();
    assert_eq!(director.templates(), []);
    assert_eq!(director.all_live(3).persistent, 0);
    assert_eq!(director.all_live(other).persistent, 0);
}

#[test]
fn a_removed_real_server_loses_its_clients() {
    for mut director in [director(), like_ipvs()] {
        assert_eq!(open(&mut director, 1, 4000), 3);
        director.remove(3);
        let other = open(&mut director, 1, 4001);
        assert_ne!(other, 3);
        director.restore(3);
        assert_eq!(open(&mut director, 1, 4002), other);
    }
}

#[test]
fn a_client_with_a_template_gets_an_overloaded_real_server() {
    let mut director = director();
    director.limit(3, 1, 0);
    assert_eq!(open(&mut director, 1, 4000), 3);
    assert!(director.all_live(3).overloaded);
    assert_eq!(open(&mut director, 1, 4001), 3);
    assert_ne!(open(&mut director, 2, 4000), 3);
}

#[test]
fn a_template_is_assured_once_a_connection_of_it_was_established() {
    let mut director = director();
    open(&mut director, 1, 4000);
    assert_eq!(template(&mut director).state, "NONE");
    director.forwarded(&segment(1, 4000, ACK));
    assert_eq!(template(&mut director).state, "ASSURED");
}

#[test]
fn a_template_of_udp_is_never_assured_by_clients() {
    let mut director = Director::new();
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("udp://{WEB}"), Kind::RoundRobin, options, &[1; 3]);
    for _ in 0..3 {
        assert_eq!(director.forwarded(&udp("192.0.2.1:4000", WEB)), 3);
    }
    assert_eq!(template(&mut director).state, "NONE");
    assert_eq!(template(&mut director).children, 1);
}

#[test]
fn a_client_that_uses_its_port_again_stays_on_its_closed_connection() {
    let mut director = director();
    open(&mut director, 1, 4000);
    for flags in [ACK, RST] {
        director.forwarded(&segment(1, 4000, flags));
    }
    assert_eq!(director.state(), "CLOSE");
    assert_eq!(open(&mut director, 1, 4000), 3);
    assert_eq!(director.state(), "SYN_RECV");
    assert_eq!(director.counters(3).connections, 1);
    assert_eq!(template(&mut director).children, 1);
}

#[test]
fn a_new_timeout_is_for_new_templates() {
    let mut director = director();
    open(&mut director, 1, 4000);
    director.set_options(0, persistent(100, Family::Ipv4));
    open(&mut director, 1, 4001);
    assert!(
        ends_in(&template(&mut director), 360),
        "{:?}",
        director.templates()
    );
    open(&mut director, 2, 4000);
    let templates = director.templates();
    assert!(
        templates.iter().any(|template| ends_in(template, 100)),
        "{templates:?}"
    );
}

#[test]
fn a_real_server_with_templates_is_not_freed() {
    let mut director = director();
    open(&mut director, 1, 4000);
    director.advance(seconds(61));
    director.sweep();
    director.remove(3);
    let free = Action::FreeDestination {
        id: DestinationId(3),
    };
    let plane = director.private.data_plane();
    let error = plane.apply(&free).unwrap_err().to_string();
    assert!(
        error.contains("still has connections or templates"),
        "{error}"
    );
    director.advance(seconds(300));
    director.sweep();
    director.apply(free);
}

#[test]
fn a_full_table_of_templates_schedules_without_them() {
    let mut director = Director::with(dray_dataplane::Capacity {
        connections: 1024,
        ..CAPACITY
    });
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("tcp://{WEB}"), Kind::RoundRobin, options, &[1; 3]);
    for client in 0..1500_u32 {
        let client = format!("198.18.{}.{}:4000", client >> 8, client & 0xff);
        director.forwarded(&tcp(&client, WEB, SYN));
    }
    let without = director.count("templates-full");
    assert!(without > 0);
    // The hash is made anew for each table: now and then both buckets of a connection are full, too.
    let forgotten = director.count("table-full");
    let templates = director.templates().len() as u64;
    assert_eq!(templates + without + forgotten, 1500);
}
