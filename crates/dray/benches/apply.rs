//! How long a configuration takes: 10,000 services with 10 real servers each from their file into the data
//! plane, and one changed weight among them. `cargo xtask bench apply` runs this.
//!
//! The data plane is a real one in the kernel, with nothing attached; the network's answers are made up.
//! When a change is answered, packets see it: it is in memory that they read.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use dray_control::{AddedVip, Parts, VipLedger};
use dray_dataplane::{Capacity, Private};
use dray_model::{Mac, NextHop, Scheduler, Way, Weight, config};
use dray_testkit::FakeNet;

const SERVICES: u32 = 10_000;
const REALS: u32 = 10;
const ROUNDS: usize = 9;

fn main() {
    println!("# {SERVICES} services with {REALS} real servers each\n");
    println!("| scheduler | read the file | apply it | both | change one weight |");
    println!("|---|---:|---:|---:|---:|");
    for scheduler in Scheduler::ALL {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(measure(scheduler));
    }
}

async fn measure(scheduler: Scheduler) {
    let text = file(scheduler);
    let began = Instant::now();
    let desired =
        config::parse("ten-thousand.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let read = began.elapsed();

    let private =
        Private::new(Capacity::of(&desired), &[ROUTER]).expect("the program loads (root needed)");
    let net = network();
    let parts = Parts {
        dataplane: private.into_data_plane(),
        resolutions: net.reports(),
        net,
        desired: desired.clone().into(),
        ledger: Box::new(NoLedger),
    };
    let began = Instant::now();
    let (handle, _task) = dray_control::start(parts)
        .await
        .expect("the configuration is applied");
    let applied = began.elapsed();

    let mut changes = Vec::new();
    for round in 0..ROUNDS {
        let mut next = desired.clone();
        let changed = Arc::make_mut(&mut next.services[SERVICES as usize / 2]);
        changed.reals[3].weight = Weight::new(7 + round as u16);
        let began = Instant::now();
        handle.replace(next).await.expect("the change is applied");
        changes.push(began.elapsed());
    }
    changes.sort_unstable();
    println!(
        "| {} | {} | {} | {} | {} |",
        scheduler.name(),
        milliseconds(read),
        milliseconds(applied),
        milliseconds(read + applied),
        milliseconds(changes[ROUNDS / 2]),
    );
}

const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 1]);

/// The configuration as an operator would write it, on port "port0" of the private data plane.
fn file(scheduler: Scheduler) -> String {
    let mut text =
        "[director]\ninterfaces = [\"port0\"]\nmax_connections = 65536\nmanage_vips = false\n"
            .to_owned();
    for service in 0..SERVICES {
        let [_, _, high, low] = service.to_be_bytes();
        let name = scheduler.name();
        let _ = write!(
            text,
            "\n[[service]]\nname = \"s{service}\"\naddress = \"tcp://10.64.{high}.{low}:80\"\nscheduler = \"{name}\"\n"
        );
        for number in 0..REALS {
            let real = real(service * REALS + number);
            let _ = write!(
                text,
                "  [[service.real]]\n  address = \"{real}\"\n  weight = {}\n",
                1 + number % 3
            );
        }
    }
    text
}

/// A thousand real servers, each in a hundred services.
fn real(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a80_0001 + number % 1000)
}

fn network() -> FakeNet {
    let net = FakeNet::new();
    let way = |number: u32| {
        let [_, _, high, low] = number.to_be_bytes();
        Way {
            next: NextHop {
                interface: 1,
                vlan: None,
                source: ROUTER,
                destination: Mac([2, 1, 0, 0, high, low]),
                mtu: 1500,
            },
            gateway: None,
            source: None,
            shared: Some(8),
        }
    };
    net.resolve((0..1000).map(|number| (IpAddr::V4(real(number)), way(number))));
    net
}

struct NoLedger;

impl VipLedger for NoLedger {
    fn load(&mut self) -> io::Result<BTreeSet<AddedVip>> {
        Ok(BTreeSet::new())
    }

    fn save(&mut self, _: &BTreeSet<AddedVip>) -> io::Result<()> {
        Ok(())
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
