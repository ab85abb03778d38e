//! The whole way: a client calls the API of a director that runs in a lab, and waits for the answer. When that comes, the
//! configuration is on the disk and packets see it.
//!
//! The real servers are not there, but the director's kernel has a route and neighbour entries for them, of which the director
//! asks it as ever. It is answered after the change is; when the last of the real servers is known is measured too.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use dray_api::{
    CallError, Client, Precondition,
    v1::{ApplyQuery, EditsPolicy, Standing},
};
use dray_lab::{Director, Lab, Topology};
use dray_model::{HashFlags, Mac, Scheduler};
use dray_net::Netlink;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    disk,
    file::{self, File, SERVICES},
    times::{median, milliseconds},
};

const INTERFACE: &str = "eth0";

/// How often the whole is applied, and how many weights are changed after each time.
const ROUNDS: u16 = 3;
const CHANGES: u16 = 5;

/// A kind of configuration.
#[derive(Clone, Copy)]
struct Kind {
    scheduler: Scheduler,
    reals: u32,
}

const PLAIN: Kind = Kind {
    scheduler: Scheduler::WeightedRoundRobin,
    reals: 1_000,
};

const KINDS: [Kind; 3] = [
    PLAIN,
    Kind {
        scheduler: Scheduler::MaglevHash(HashFlags {
            fallback: false,
            port: false,
        }),
        ..PLAIN
    },
    Kind {
        reals: 100_000,
        ..PLAIN
    },
];

/// What a kind of configuration takes.
#[derive(Default)]
struct Times {
    applied: Vec<Duration>,
    known: Vec<Duration>,
    changed: Vec<Duration>,
    removed: Vec<Duration>,
    gone: Vec<Duration>,
}

pub(crate) fn measure() {
    println!("\n## Through the API of a director that runs\n");
    println!(
        "| scheduler | different real servers | apply, answered | all next hops known | change one weight, answered | remove all services but one, answered | all destinations free again |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for kind in KINDS {
        let Times {
            applied,
            known,
            changed,
            removed,
            gone,
        } = measure_kind(kind);
        let columns = [applied, known, changed, removed, gone];
        let [applied, known, changed, removed, gone] =
            columns.map(|times| milliseconds(median(times)));
        println!(
            "| {} | {} | {applied} | {known} | {changed} | {removed} | {gone} |",
            kind.scheduler.name(),
            kind.reals,
        );
    }
}

fn measure_kind(kind: Kind) -> Times {
    let lab = Lab::up(Topology::one_arm(1).named("apply")).expect("a lab (root needed)");
    let director = lab.director(0);
    introduce(director, kind.reals).expect("neighbours");
    let _disk = disk::keep_state(director, Path::new(env!("CARGO_TARGET_TMPDIR")));
    // A data plane has room for twice what it is made for.
    director
        .start(
            Path::new(env!("CARGO_BIN_EXE_dray")),
            kind.file(SERVICES).text(),
        )
        .expect("it starts");
    let client = Client::new(director.runtime_dir());
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(rounds(&client, kind))
}

/// Makes the director's kernel know real servers that are not there.
fn introduce(director: &Director, reals: u32) -> anyhow::Result<()> {
    director.namespace().block_on(async || {
        let netlink = Netlink::open()?;
        netlink
            .add_route((file::real(0).into(), 9), None, INTERFACE)
            .await?;
        for number in 0..reals {
            let [_, high, middle, low] = number.to_be_bytes();
            let mac = Mac([2, 1, 0, high, middle, low]);
            netlink
                .add_neighbour(INTERFACE, file::real(number).into(), mac)
                .await?;
        }
        Ok(())
    })
}

async fn rounds(client: &Client, kind: Kind) -> Times {
    let (little, whole) = (kind.file(1), kind.file(SERVICES));
    let middle = SERVICES / 2;
    let (service, real) = (file::name(middle), whole.real(middle, 3).to_string());
    let (little, whole) = (little.text(), whole.text());
    let mut times = Times::default();
    for round in 0..ROUNDS {
        let began = Instant::now();
        apply(client, &little).await;
        times.removed.push(began.elapsed());
        wait_until_settled(client, 1).await;
        times.gone.push(began.elapsed());

        let began = Instant::now();
        apply(client, &whole).await;
        times.applied.push(began.elapsed());
        wait_until_settled(client, SERVICES).await;
        times.known.push(began.elapsed());

        for change in 0..CHANGES {
            // One that no round before has given it.
            let weight = 100 + CHANGES * round + change;
            let began = Instant::now();
            let patch = json!({ "weight": weight });
            let patched = client.patch_real(&service, &real, &patch, &Precondition::None);
            let patched = patched.await.expect("it is changed");
            times.changed.push(began.elapsed());
            assert_eq!(patched.value.weight, Some(weight));
        }
    }
    times
}

async fn apply(client: &Client, text: &str) {
    let query = ApplyQuery {
        edits: EditsPolicy::Drop,
        ..ApplyQuery::default()
    };
    let outcome = client.apply(text.to_owned(), &query, &Precondition::None);
    let outcome = outcome.await.expect("it is applied");
    let applied = outcome.applied.expect("it was no plan");
    assert_eq!(applied.problems, [""; 0]);
}

/// Waits until all destinations of so many services may get connections, and all others are gone.
async fn wait_until_settled(client: &Client, services: u32) {
    loop {
        let status = match client.status().await {
            // The director is busy with what was removed, and this is what is measured.
            Err(CallError::Silent { .. }) => continue,
            status => status.expect("a status"),
        };
        let destinations = (status.services.iter()).flat_map(|service| &service.destinations);
        let eligible = destinations
            .clone()
            .filter(|it| it.standing == Standing::Eligible);
        let wanted = (services * file::REALS) as usize;
        let is_settled = destinations.clone().count() == wanted && eligible.count() == wanted;
        if is_settled && status.leaving.is_empty() {
            return;
        }
    }
}

impl Kind {
    fn file(self, services: u32) -> File {
        File {
            interface: INTERFACE,
            services,
            scheduler: self.scheduler,
            reals: self.reals,
        }
    }
}
