//! A director that is changed all the time while it forwards: so many API writes a second, from many clients at once, under
//! HTTP. `cargo xtask bench writes` runs this.
//!
//! Each writer has a service of its own and gives its real server one weight after another; when a write is due is settled
//! beforehand, so that one that waits for the one before it is measured as late. Then the daemon is killed, and what the
//! next one finds on the disk is compared with what was answered. It fails when a write or a request is lost.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Parser;
use dray_api::{Client, Precondition};
use dray_lab::{Director, Family, Lab, Topology, VirtualService, traffic::Report};
use serde_json::json;
use tokio::{runtime::Runtime, task::JoinSet, time};

#[path = "lab/disk.rs"]
mod disk;

#[derive(Parser)]
struct Options {
    /// How long it goes on
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Writes a second, of all writers together
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Who write at once
    #[arg(long, default_value_t = 16)]
    writers: u16,
    /// Connections that ask by HTTP at once
    #[arg(long, default_value_t = 4)]
    load: usize,
    /// Where the director's state is kept: a directory on the disk that is to be measured
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    state_in: PathBuf,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What came of the writes.
#[derive(Default)]
struct Written {
    /// From the moment at which a write was due to its answer.
    latencies: Vec<Duration>,
    /// Writes that were not answered as they were meant, by cause.
    failures: BTreeMap<String, u32>,
    /// The last weight that each writer was told of, by its service.
    last: BTreeMap<String, u16>,
    elapsed: Duration,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let lab = Lab::up(Topology::one_arm(3).named("writes"))?;
    lab.serve_http(80)?;
    let director = lab.director(0);
    let _disk = disk::keep_state(director, &options.state_in);
    let mut config = director
        .config()
        .service(VirtualService::tcp("web", Family::V4, 80).weights(&[1, 1, 1]));
    for writer in 0..options.writers {
        let own = VirtualService::tcp(&service_of(writer), Family::V4, 8_000 + writer);
        config = config.service(own.weights(&[1]));
    }
    director.start(dray(), config)?;
    director.wait_until_eligible()?;
    let runtime = Runtime::new()?;
    let before = revision(&runtime, director)?;

    let vip = (lab.topology().vip(0, Family::V4), 80).into();
    let load = lab.client(0).http(vip).concurrency(options.load).start()?;
    let written = runtime.block_on(write(&options, director.runtime_dir()))?;
    let asked = load.stop()?;
    let after = revision(&runtime, director)?;

    director.kill()?;
    director.restart(dray())?;
    let revived = revision(&runtime, director)?;
    let client = Client::new(director.runtime_dir());
    let stale = runtime.block_on(stale(&client, &written.last))?;
    let answered = written.latencies.len() as u64;
    let lost = answered.saturating_sub(revived - before) + stale;

    print(&options, &written, &asked);
    println!("| revision before, after, and after a kill | {before}, {after}, {revived} |");
    println!("| **writes lost** | **{lost}** |");
    for (cause, count) in &written.failures {
        println!("\n{count} writes failed: {cause}");
    }
    for (cause, count) in &asked.failures {
        println!("\n{count} requests failed: {cause}");
    }
    let all_well = lost == 0 && written.failures.is_empty() && asked.failed() == 0;
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Has all writers write, and waits until they have.
async fn write(options: &Options, runtime_dir: &Path) -> Result<Written> {
    let (rate, writers) = (options.rate, u32::from(options.writers));
    let writes = rate * options.seconds;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..options.writers {
        let client = Client::new(runtime_dir);
        let own = (u32::from(writer)..writes).step_by(writers as usize);
        let due = own.map(move |number| began + Duration::from_secs(1) * number / rate);
        tasks.spawn(write_one_by_one(client, service_of(writer), due));
    }
    let mut all = Written::default();
    for one in tasks.join_all().await {
        let mut one = one?;
        all.latencies.append(&mut one.latencies);
        all.last.append(&mut one.last);
        for (cause, count) in one.failures {
            *all.failures.entry(cause).or_default() += count;
        }
    }
    all.elapsed = began.elapsed();
    Ok(all)
}

/// Gives the real server of a service another weight at each of these moments, or once the write before is answered.
async fn write_one_by_one(
    client: Client,
    service: String,
    due: impl Iterator<Item = Instant>,
) -> Result<Written> {
    let reals = client.reals(&service).await?.value.reals;
    let real = &reals.first().context("it has a real server")?.address;
    let mut written = Written::default();
    // Its first weight is 1.
    for (due, weight) in due.zip((2..=u16::MAX).cycle()) {
        time::sleep_until(due.into()).await;
        let patch = json!({ "weight": weight });
        let patched = client.patch_real(&service, real, &patch, &Precondition::None);
        let answer = patched.await.map(|patched| patched.value.weight);
        match answer {
            Ok(Some(now)) if now == weight => written.answered(due, &service, weight),
            Ok(now) => written.failed(format!("the answer says that the weight is {now:?}")),
            Err(error) => written.failed(format!("{:#}", anyhow::Error::new(error))),
        }
    }
    Ok(written)
}

impl Written {
    fn answered(&mut self, due: Instant, service: &str, weight: u16) {
        self.latencies.push(due.elapsed());
        self.last.insert(service.to_owned(), weight);
    }

    fn failed(&mut self, cause: String) {
        *self.failures.entry(cause).or_default() += 1;
    }

    /// The least latency that this part of the writes did not exceed.
    fn percentile(&self, part: f64) -> String {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let rank = (part * sorted.len() as f64).ceil() as usize;
        let latency = sorted.get(rank.saturating_sub(1)).copied();
        latency.map_or_else(String::new, |latency| {
            format!("{:.1} ms", latency.as_secs_f64() * 1e3)
        })
    }
}

/// Services whose real server has not the weight that was answered last.
async fn stale(client: &Client, last: &BTreeMap<String, u16>) -> Result<u64> {
    let mut stale = 0;
    for (service, weight) in last {
        let reals = client.reals(service).await?.value.reals;
        let real = reals.first().context("it has a real server")?;
        stale += u64::from(real.weight.unwrap_or(1) != *weight);
    }
    Ok(stale)
}

fn print(options: &Options, written: &Written, asked: &Report) {
    let Options {
        seconds,
        rate,
        writers,
        load,
        ..
    } = options;
    let answered = written.latencies.len();
    let per_second = answered as f64 / written.elapsed.as_secs_f64();
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|part| written.percentile(part));
    println!(
        "# {rate} writes a second for {seconds} s by {writers} writers, under HTTP on {load} connections\n"
    );
    println!("| | |");
    println!("|---|---:|");
    println!("| writes asked for | {} |", rate * seconds);
    println!("| writes answered | {answered} |");
    println!("| a second | {per_second:.0} |");
    println!("| from when it was due to the answer: median, 99 %, longest | {p50}, {p99}, {max} |");
    println!("| HTTP requests served | {} |", asked.served());
    println!("| **HTTP requests failed** | **{}** |", asked.failed());
}

fn revision(runtime: &Runtime, director: &Director) -> Result<u64> {
    let client = Client::new(director.runtime_dir());
    let status = runtime.block_on(client.status())?;
    Ok(status.configuration.revision)
}

fn service_of(writer: u16) -> String {
    format!("of-{writer}")
}

fn dray() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_dray"))
}
