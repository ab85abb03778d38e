//! Setting a real server up: it serves the VIP, but only the director answers for it.

use std::{collections::BTreeSet, error::Error, net::IpAddr};

use dray_model::{Resolution, Unresolved};
use dray_net::{
    NetError,
    real_server::{self, Step},
};
use tokio::net::UdpSocket;

use crate::{
    capture::Capture,
    namespace::Namespace,
    network::{PEER_MAC, Watched, Wire, ip, run, soon},
};

const IGNORE: &str = "ipv4/conf/all/arp_ignore";
const ANNOUNCE: &str = "ipv4/conf/all/arp_announce";

fn vips() -> [IpAddr; 2] {
    [ip("10.0.0.100"), ip("fd00::64")]
}

fn plan(interface: &str) -> Vec<Step> {
    real_server::plan(&BTreeSet::from(vips()), &[interface.to_owned()])
}

fn carry_out(on: &Namespace, steps: &[Step]) -> Result<Vec<Step>, NetError> {
    on.run(|| real_server::carry_out(steps))
}

#[test]
fn a_real_server_does_not_answer_for_the_vip() {
    run(async {
        let wire = Wire::new().await;
        wire.hasten();
        let mut director = Watched::new(&wire.director);
        carry_out(&wire.peer, &plan("eth0")).expect("set up");
        director.follow(vips());
        for vip in vips() {
            let silent = Resolution::Unresolved(Unresolved::NoAnswer {
                interface: "eth0".into(),
            });
            director.sees(vip, &silent).await;
        }
    });
}

#[test]
fn without_the_settings_a_host_does_answer_for_its_loopback() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        let [vip, _] = vips();
        wire.on_peer.set_up("lo").await.expect("up");
        wire.on_peer
            .add_address("lo", vip, 32)
            .await
            .expect("add address");
        director.follow([vip]);
        director
            .sees(vip, &wire.resolved(vip, PEER_MAC).await)
            .await;
    });
}

#[test]
fn a_real_server_serves_the_vip_and_asks_in_its_own_name() {
    run(async {
        let wire = Wire::new().await;
        wire.carries().await;
        carry_out(&wire.peer, &plan("eth0")).expect("set up");
        for vip in vips() {
            wire.on_director
                .add_neighbour("eth0", vip, PEER_MAC)
                .await
                .expect("add neighbour");
            let server = udp(&wire.peer, vip);
            let client = udp(
                &wire.director,
                if vip.is_ipv4() {
                    ip("10.0.0.1")
                } else {
                    ip("fd00::1")
                },
            );
            let mut wire_tap = Capture::open(&wire.director);
            client
                .connect(server.local_addr().expect("bound"))
                .await
                .expect("connect");
            client.send(b"hello").await.expect("send");
            let mut text = [0; 16];
            let (length, from) = soon("the client's word", server.recv_from(&mut text))
                .await
                .expect("receive");
            server.send_to(&text[..length], from).await.expect("answer");
            let length = soon("the server's word", client.recv(&mut text))
                .await
                .expect("receive");
            assert_eq!(&text[..length], b"hello");

            if vip.is_ipv4() {
                let asks =
                    |frame: &[u8]| frame.get(6..14) == Some(&[&PEER_MAC.0[..], &[8, 6]].concat());
                let question = wire_tap
                    .next("the real server asking for the client", asks)
                    .await;
                assert_eq!(&question[20..22], [0, 1], "a request");
                assert_eq!(
                    &question[28..32],
                    [10, 0, 0, 2],
                    "in the name of the real server"
                );
                assert_eq!(&question[38..42], [10, 0, 0, 1], "for the client");
            }
        }
    });
}

#[test]
fn undoing_restores_what_was_there_and_keeps_what_was_not_changed() {
    run(async {
        let wire = Wire::new().await;
        let own = "ipv4/conf/eth0/arp_ignore";
        wire.peer.set(ANNOUNCE, 1);
        wire.peer.set(own, 2);
        wire.on_peer
            .add_address("lo", vips()[1], 128)
            .await
            .expect("an operator's address");

        let undo = carry_out(&wire.peer, &plan("eth0")).expect("set up");
        assert_eq!(
            (wire.peer.setting(IGNORE), wire.peer.setting(ANNOUNCE)),
            ("1".into(), "2".into())
        );
        assert_eq!(wire.peer.setting(own), "2", "stricter than needed");
        let undo: Vec<_> = undo.iter().map(Step::to_string).collect();
        assert_eq!(
            undo,
            [
                "ip address del 10.0.0.100/32 dev lo",
                "sysctl -w net.ipv4.conf.eth0.arp_announce=0",
                "sysctl -w net.ipv4.conf.all.arp_announce=1",
                "sysctl -w net.ipv4.conf.all.arp_ignore=0",
            ]
        );
    });
}

#[test]
fn a_second_set_up_changes_nothing_and_undoing_the_first_undoes_all() {
    run(async {
        let wire = Wire::new().await;
        let undo = carry_out(&wire.peer, &plan("eth0")).expect("set up");
        assert_eq!(
            carry_out(&wire.peer, &plan("eth0")).expect("set up again"),
            []
        );
        carry_out(&wire.peer, &undo).expect("undo");
        assert_eq!(
            (wire.peer.setting(IGNORE), wire.peer.setting(ANNOUNCE)),
            ("0".into(), "0".into())
        );
        for vip in vips() {
            assert!(
                wire.on_peer
                    .add_address("lo", vip, if vip.is_ipv4() { 32 } else { 128 })
                    .await
                    .expect("add")
            );
        }
    });
}

#[test]
fn a_step_that_fails_undoes_the_steps_before_it() {
    run(async {
        let wire = Wire::new().await;
        let error = carry_out(&wire.peer, &plan("eth9")).expect_err("no such interface");
        assert_eq!(
            error.to_string(),
            "failed to carry out `sysctl -w net.ipv4.conf.eth9.arp_ignore=1`"
        );
        let cause = error.source().expect("a cause").to_string();
        assert!(cause.contains("eth9"), "{cause}");
        assert_eq!(
            (wire.peer.setting(IGNORE), wire.peer.setting(ANNOUNCE)),
            ("0".into(), "0".into())
        );
    });
}

fn udp(namespace: &Namespace, address: IpAddr) -> UdpSocket {
    let socket = namespace
        .within(|| std::net::UdpSocket::bind((address, 0)))
        .expect("bind");
    socket.set_nonblocking(true).expect("non-blocking");
    UdpSocket::from_std(socket).expect("watch the socket")
}
