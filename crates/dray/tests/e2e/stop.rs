//! Ways to stop a director, and what is left then.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    process::Command,
};

use dray_lab::{Director, Family, Lab, Network, VirtualService, traffic::Report};
use dray_net::Netlink;

use crate::site::{
    Kept, assert_nothing_dropped, assert_served, dray, lab_with_web, run, service, start, status,
    web,
};

#[test]
fn forwarding_goes_on_without_a_daemon_until_the_next_one_takes_it_over() {
    let (lab, vip) = lab_with_web("keep-forwarding", 2);
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[1, 1])),
    );
    let load = lab.client(0).http(vip).concurrency(8).start().unwrap();
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2"]);
    let before = service(director).traffic;
    director.stop(&["--keep-forwarding"]).unwrap();
    load.wait_for(300).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    let said = run(director, &["status"]);
    let told = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(told.contains("forwarding goes on without it"), "{told}");

    director.restart(dray()).unwrap();
    let after = service(director).traffic;
    assert!(after.connections >= before.connections + 300);
    load.wait_for(50).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    assert_served(&load.stop().unwrap());
    assert_nothing_dropped(director);
}

#[test]
fn withdrawing_leaves_the_host_as_it_was() {
    let (lab, vip) = lab_with_web("withdraw", 2);
    let director = lab.director(0);
    let vips = Family::BOTH.map(|family| lab.topology().vip(0, family));
    let real_server = lab.topology().real_server(0, Family::V4);
    let config = director
        .config()
        .service(web(Family::V4, &[1, 1]))
        .service(VirtualService::tcp("new", Family::V6, 80).weights(&[1, 1]));
    for _ in 0..2 {
        assert!(vips.iter().all(|vip| !has_address(director, *vip)));
        start(director, config.clone());
        assert!(vips.iter().all(|vip| has_address(director, *vip)));
        assert_eq!(status(director).director.vips.len(), 2);
        assert!(!is_without_xdp(director));
        assert_served(&load(&lab, vip));
        assert_eq!(
            ask(director, real_server),
            "real1\n",
            "the host's own traffic passes"
        );

        director.stop(&["--withdraw"]).unwrap();
        assert_withdrawn(director);
        assert!(vips.iter().all(|vip| !has_address(director, *vip)));
        assert_eq!(ask(director, real_server), "real1\n");
    }
}

#[test]
fn a_daemon_that_is_told_to_stop_while_the_program_is_loaded_leaves_the_host_as_it_was() {
    let (lab, vip) = lab_with_web("stop-early", 2);
    let director = lab.director(0);
    let config = director.config().service(web(Family::V4, &[1, 1]));
    director.write_config(config.clone()).unwrap();
    // A machine that has much to do may send the signal too late. Then the next try counts.
    let said = (0..10).map(|_| start_and_stop(director)).find(|said| {
        let is_too_late = !said.contains("told to stop");
        if is_too_late {
            assert!(run(director, &["stop", "--withdraw"]).status.success());
        }
        !is_too_late
    });
    let said = said.expect("one signal of ten comes in time");
    assert!(said.contains("nothing is left"), "{said}");
    assert_withdrawn(director);
    assert!(!has_address(director, vip.ip()));

    start(director, config);
    assert_served(&load(&lab, vip));
}

/// Starts a daemon, sends it SIGTERM as soon as it begins to load its program, and gives what it said until its good end.
fn start_and_stop(director: &Director) -> String {
    const SCRIPT: &str = r#"
        "$0" "$@" &
        until [ -n "$(ls "$PINS")" ]; do kill -0 $! || exit 1; done
        kill -TERM $!
        wait $!
    "#;
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT]).arg(dray()).arg("run");
    for (flag, path) in [
        ("--config", director.config_file()),
        ("--runtime-dir", director.runtime_dir()),
        ("--state-dir", director.state_dir()),
        ("--bpffs", director.bpffs()),
    ] {
        shell.arg(flag).arg(path);
    }
    shell.env("PINS", director.bpffs());
    let output = director.namespace().output(shell).unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn what_a_killed_daemon_left_is_withdrawn_without_it() {
    let (lab, vip) = lab_with_web("withdraw-alone", 2);
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[1, 1])),
    );
    director.kill().unwrap();
    assert_served(&load(&lab, vip));
    let said = run(director, &["stop", "--withdraw"]);
    assert!(said.status.success(), "{said:?}");
    let told = String::from_utf8(said.stdout).unwrap();
    assert_eq!(
        told,
        format!("forwarding has ended; {} removed from eth0\n", vip.ip())
    );
    assert_withdrawn(director);
    assert!(!has_address(director, vip.ip()));
    let real_server = lab.topology().real_server(0, Family::V4);
    assert_eq!(ask(director, real_server), "real1\n");
}

#[test]
fn a_vip_that_was_there_before_is_used_and_left() {
    let (lab, vip) = lab_with_web("vip-before", 2);
    let director = lab.director(0);
    // Once as dray itself would add it, once as a part of its network.
    for prefix in [32, Network::prefix(Family::V4)] {
        add_address(director, vip.ip(), prefix);
        start(
            director,
            director.config().service(web(Family::V4, &[1, 1])),
        );
        assert_served(&load(&lab, vip));
        director.stop(&["--withdraw"]).unwrap();
        assert_withdrawn(director);
        assert!(has_address(director, vip.ip()), "/{prefix}");
        remove_address(director, vip.ip(), prefix);
        assert!(!has_address(director, vip.ip()), "/{prefix}");
    }
}

#[test]
fn a_director_that_is_told_not_to_manage_vips_never_touches_them() {
    let (lab, vip) = lab_with_web("no-vips", 2);
    let director = lab.director(0);
    let config = director
        .config()
        .service(web(Family::V4, &[1, 1]))
        .to_string();
    let config = config.replacen("[director]", "[director]\nmanage_vips = false", 1);
    start(director, config);
    assert_eq!(status(director).director.vips, []);
    assert!(!has_address(director, vip.ip()));
    add_address(director, vip.ip(), Network::prefix(Family::V4));
    assert_served(&load(&lab, vip));
    director.stop(&["--withdraw"]).unwrap();
    assert_withdrawn(director);
    assert!(has_address(director, vip.ip()));
}

/// Nothing is attached any more, and nothing is pinned.
fn assert_withdrawn(director: &Director) {
    assert!(is_without_xdp(director));
    assert_eq!(fs::read_dir(director.bpffs()).unwrap().count(), 0);
}

/// Whether the director's interface takes another XDP program, which it does only if it has none.
fn is_without_xdp(director: &Director) -> bool {
    let interface = director.namespace().link("eth0").unwrap().index;
    director
        .namespace()
        .run(|| Ok(dray_dataplane::lab::attach_pass(interface).is_ok()))
        .unwrap()
}

/// Whether the director's host has an address: only then a socket can be bound to it.
fn has_address(director: &Director, address: IpAddr) -> bool {
    director
        .namespace()
        .run(|| Ok(UdpSocket::bind((address, 0)).is_ok()))
        .unwrap()
}

/// Adds an address as an operator does.
fn add_address(director: &Director, address: IpAddr, prefix: u8) {
    let added = director.namespace().block_on(async || {
        let netlink = Netlink::open()?;
        Ok(netlink.add_address("eth0", address, prefix).await?)
    });
    assert!(added.unwrap());
}

/// Removes an address as an operator does.
fn remove_address(director: &Director, address: IpAddr, prefix: u8) {
    let removed = director.namespace().block_on(async || {
        let netlink = Netlink::open()?;
        Ok(netlink.remove_address("eth0", address, prefix).await?)
    });
    removed.unwrap();
}

/// A few connections.
fn load(lab: &Lab, vip: SocketAddr) -> Report {
    let load = lab.client(0).http(vip);
    load.requests(20).connections(20).run().unwrap()
}

/// A web server's answer to the director's host itself.
fn ask(director: &Director, server: IpAddr) -> String {
    let answer = director.namespace().run(|| {
        let mut stream = TcpStream::connect((server, 80))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    let answer = answer.unwrap();
    let (_, content) = answer.split_once("\r\n\r\n").expect("a header and a body");
    content.to_owned()
}
