//! Drains, and who waits for them.

use std::{net::IpAddr, process::Stdio, time::Duration};

use dray_model::{Connection, Live, Protocol, ServiceAddress};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::Director;

#[tokio::test]
async fn a_real_server_without_connections_is_empty_at_once() {
    let director = Director::start().await;
    let said = director
        .dray("drain 10.77.0.11 --service web --deadline 10m")
        .await;
    assert_eq!(said.status.code(), Some(0), "{}", said.err);
    assert!(
        said.err
            .starts_with("dray: draining service web, real server 10.77.0.11: "),
        "{}",
        said.err
    );
    assert!(
        said.out
            .starts_with("service web, real server 10.77.0.11: empty after "),
        "{}",
        said.out
    );
    let drains = director.json("drain list --json").await;
    assert_eq!(drains["drains"][0]["state"], "empty");
    assert!(director.ok("drain list").await.contains("empty"));
    director.stop().await;
}

#[tokio::test]
async fn a_drain_begins_without_waiting() {
    let director = Director::start().await;
    let drain = director
        .json("real drain 10.77.0.12 --deadline 1h30m --then move --no-wait --json")
        .await;
    assert_eq!(
        (&drain["real"], &drain["service"], &drain["then"]),
        (&json!("10.77.0.12"), &json!(null), &json!("move"))
    );
    let reals = director.json("real list --json").await;
    assert_eq!(reals["reals"][1]["weight"], 0);
    director.stop().await;
}

#[tokio::test]
async fn a_drain_of_nothing_is_refused() {
    let director = Director::start().await;
    let said = director.fails("drain 10.77.0.99 --deadline 5m").await;
    assert!(said.contains("10.77.0.99"), "{said}");
    let said = director.fails("drain cancel 99").await;
    assert!(said.contains("99"), "{said}");
    for line in [
        "drain",
        "drain 10.77.0.11",
        "drain 10.77.0.11 --deadline soon",
        "drain 10.77.0.11 --deadline 5m list",
    ] {
        let said = director.dray(line).await;
        assert_eq!(said.status.code(), Some(2), "{line}: {}", said.err);
    }
    director.stop().await;
}

#[tokio::test]
async fn at_the_deadline_connections_that_are_left_are_treated_as_was_said() {
    let director = Director::start().await;
    director.busy([11, 12]);
    let said = director
        .dray("drain 10.77.0.11 --service web --deadline 1s --then keep")
        .await;
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(
        said.out.ends_with("; connections that are left go on\n"),
        "{}",
        said.out
    );
    assert_eq!(director.site.dataplane.all_connections().len(), 2);

    let said = director
        .dray("drain 10.77.0.12 --service web --deadline 1s --then reset --json")
        .await;
    assert_eq!(said.status.code(), Some(0), "{}", said.err);
    let ended: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        (&ended["state"], &ended["connections_before"]),
        (&json!("overdue"), &json!(1))
    );
    let left = director.site.dataplane.all_connections();
    let clients: Vec<_> = left.iter().map(|left| left.client.to_string()).collect();
    assert_eq!(clients, ["192.0.2.1:4011"], "the other's have ended");
    // Neither gets new ones, until somebody says so.
    let reals = director.json("real list --service web --json").await;
    assert_eq!(
        (&reals["reals"][0]["weight"], &reals["reals"][1]["weight"]),
        (&json!(0), &json!(0))
    );
    director.stop().await;
}

#[tokio::test]
async fn ctrl_c_ends_the_waiting_and_not_the_drain() {
    let director = Director::start().await;
    director.busy([11]);
    let line = "drain 10.77.0.11 --service web --deadline 10m";
    let mut command = director.site.command(line.split(' '));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut waiting = command.spawn().expect("it runs");
    let mut err = BufReader::new(waiting.stderr.take().expect("a pipe"));
    let mut said = String::new();
    err.read_line(&mut said).await.expect("readable");
    assert!(said.starts_with("dray: draining service web"), "{said}");

    let pid = waiting.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    kill_process(pid.expect("it waits"), Signal::INT).expect("it is ours");
    let output = waiting.wait_with_output().await.expect("it ends");
    err.read_to_string(&mut said).await.expect("readable");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.ends_with("dray: not waiting any longer; drain 1 goes on: `dray drain list` shows it, `dray drain cancel 1` calls it off\n"),
        "{said}"
    );
    assert_eq!(output.stdout, b"");
    let drains = director.json("drain list --json").await;
    assert_eq!(drains["drains"][0]["state"], "draining");
    director.ok("drain cancel 1").await;
    director.stop().await;
}

impl Director {
    /// Gives each of these real servers a connection of the service `web`.
    fn busy(&self, numbers: impl IntoIterator<Item = u8>) {
        let service = ServiceAddress {
            protocol: Protocol::Tcp,
            vip: IpAddr::from([10, 77, 0, 100]),
            port: 80,
        };
        let connections = numbers.into_iter().map(|number| {
            let real = IpAddr::from([10, 77, 0, number]);
            let destination = self.site.dataplane.destination(service, real);
            let destination = destination.expect("it is there");
            let live = Live {
                active: 1,
                ..Live::default()
            };
            self.site.dataplane.set_live(destination, live);
            Connection {
                service,
                client: ([192, 0, 2, 1], 4000 + u16::from(number)).into(),
                destination,
                local: None,
                state: "ESTABLISHED",
                expires: Duration::from_secs(897),
                age: Duration::from_secs(3),
            }
        });
        self.site.dataplane.set_connections(connections.collect());
    }
}
