//! The rooms that a configuration goes through, one by one: reading the file, and planning and applying, for each scheduler.
//!
//! The data plane is a real one in the kernel, with nothing attached; the network's answers are made up.
//! When a change is answered, packets see it: it is in memory that they read.

use std::{collections::BTreeSet, io, net::IpAddr, sync::Arc, time::Instant};

use dray_control::{AddedVip, Parts, VipLedger};
use dray_dataplane::{Capacity, Private};
use dray_model::{Mac, NextHop, Scheduler, Way, Weight, config};
use dray_testkit::FakeNet;

use crate::{
    file::{File, SERVICES, real},
    times::{median, milliseconds},
};

/// Real servers, each in a hundred services.
const REALS: u32 = 1_000;
const ROUNDS: u16 = 9;

pub(crate) fn measure() {
    println!("\n## In parts\n");
    println!("| scheduler | read the file | apply it | both | change one weight |");
    println!("|---|---:|---:|---:|---:|");
    for scheduler in Scheduler::ALL {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(measure_one(scheduler));
    }
}

async fn measure_one(scheduler: Scheduler) {
    let file = File {
        // That of the private data plane.
        interface: "port0",
        services: SERVICES,
        scheduler,
        reals: REALS,
    };
    let text = file.text();
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
        changed.reals[3].weight = Weight::new(7 + round);
        let began = Instant::now();
        handle.replace(next).await.expect("the change is applied");
        changes.push(began.elapsed());
    }
    println!(
        "| {} | {} | {} | {} | {} |",
        scheduler.name(),
        milliseconds(read),
        milliseconds(applied),
        milliseconds(read + applied),
        milliseconds(median(changes)),
    );
}

const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 1]);

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
    net.resolve((0..REALS).map(|number| (IpAddr::V4(real(number)), way(number))));
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
