//! A whole daemon, its API and the command line, without the kernel.

mod connections;
mod end;
mod reload;
mod site;
mod starts;
mod status;

use std::net::IpAddr;

use dray_api::{RuntimeDir, v1::StopMode};
use dray_model::{Protocol, ServiceAddress};

use site::Site;

const CONFIG: &str = r#"
[director]
interfaces = ["eth0"]

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
scheduler = "wrr"
forward = "dr"
real = [{ address = "10.77.0.11", weight = 3 }, { address = "10.77.0.12", weight = 0 }]
"#;

async fn stop(site: &Site, daemon: site::Daemon) {
    daemon
        .client
        .stop(StopMode::KeepForwarding)
        .await
        .expect("stopped");
    daemon.ended().await.expect("a clean end");
    assert!(!RuntimeDir::socket(&site.runtime_dir()).exists());
}

async fn withdraw(daemon: site::Daemon) {
    daemon
        .client
        .stop(StopMode::Withdraw)
        .await
        .expect("stopped");
    daemon.ended().await.expect("a clean end");
}

fn web() -> ServiceAddress {
    ServiceAddress {
        protocol: Protocol::Tcp,
        vip: vip(),
        port: 80,
    }
}

fn vip() -> IpAddr {
    real(100)
}

fn real(number: u8) -> IpAddr {
    IpAddr::from([10, 77, 0, number])
}
