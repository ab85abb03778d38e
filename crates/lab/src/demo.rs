//! The demonstration: real connections balanced by weight, and answers that do not come back through the director.
//!
//! Every claim is measured, and [`Report::holds`] only if all of them hold.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    capture::Frame,
    config::VirtualService,
    keep::notes,
    lab::Lab,
    servers::PAGE,
    topology::{Family, Network, Topology},
    traffic,
};

/// What to demonstrate.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `dray` binary that the director runs.
    pub binary: PathBuf,
    /// HTTP requests in all.
    pub requests: u64,
    /// TCP connections that they are spread over.
    pub connections: u64,
    /// Connections open at a time.
    pub concurrency: usize,
    /// The weight of each real server.
    pub weights: Vec<u16>,
}

impl Options {
    /// 10,000 requests over 2,000 connections to three real servers of the weights 3, 1 and 1.
    pub fn new(binary: PathBuf) -> Self {
        Self {
            binary,
            requests: 10_000,
            connections: 2_000,
            concurrency: 64,
            weights: vec![3, 1, 1],
        }
    }
}

/// Runs the demonstration. Draws the topology on standard output and progress on standard error.
///
/// # Errors
/// If the lab or the director does not come up. Failed requests are in the report.
pub fn run(options: &Options) -> Result<Report> {
    let real_servers = u8::try_from(options.weights.len())?;
    let lab = Lab::up(Topology::one_arm(real_servers).named("demo"))?;
    println!("{}", lab.topology().drawing(&notes(&options.weights)));
    lab.serve_http(PORT)?;
    let director = lab.director(0);
    let service = VirtualService::tcp("web", Family::V4, PORT).weights(&options.weights);
    let config = director.config().service(service);
    director.start(&options.binary, config)?;
    director.wait_until_eligible()?;

    let vip = SocketAddr::new(lab.topology().vip(0, Family::V4), PORT);
    let capture = lab.capture_headers_at_director(0, Network::Client)?;
    let bar = progress_bar(options.requests);
    let shown = bar.clone();
    let traffic = lab
        .client(0)
        .http(vip)
        .with(|http| http.path(PAGE))
        .requests(options.requests)
        .connections(options.connections)
        .concurrency(options.concurrency)
        .on_progress(move |done| shown.set_position(done))
        .run()?;
    bar.finish_and_clear();
    let frames = capture.stop()?;

    let names = lab
        .real_servers()
        .iter()
        .map(|real_server| real_server.name().to_owned());
    Ok(Report {
        requests: options.requests,
        connections: options.connections,
        weights: names.zip(options.weights.iter().copied()).collect(),
        through_director: Crossing::count(&frames, vip),
        traffic,
    })
}

fn progress_bar(requests: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:50} {human_pos} of {human_len} requests")
        .expect("the template is right: a test draws it");
    ProgressBar::new(requests).with_style(style)
}

const PORT: u16 = 80;

/// What was measured.
#[derive(Clone, Debug)]
pub struct Report {
    /// Requests that were to be made.
    pub requests: u64,
    /// Connections that they were to be spread over.
    pub connections: u64,
    /// Real servers and their weights.
    pub weights: Vec<(String, u16)>,
    /// What the client saw.
    pub traffic: traffic::Report,
    /// What crossed the director's cable.
    pub through_director: Crossing,
}

/// Bytes of frames of the service that crossed the director's cable, in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crossing {
    /// From clients to the VIP.
    pub requests: u64,
    /// From the VIP to clients.
    pub answers: u64,
}

impl Crossing {
    fn count(frames: &[Frame], vip: SocketAddr) -> Self {
        let mut crossing = Self::default();
        for frame in frames {
            match frame.flow() {
                Some(flow) if flow.destination == vip => crossing.requests += frame.length as u64,
                Some(flow) if flow.source == vip => crossing.answers += frame.length as u64,
                _ => {}
            }
        }
        crossing
    }
}

impl Report {
    /// Whether every claim holds.
    pub fn holds(&self) -> bool {
        self.claims().iter().all(|(holds, _)| *holds)
    }

    /// What is claimed, and whether it holds.
    fn claims(&self) -> [(bool, String); 3] {
        let furthest = self
            .weights
            .iter()
            .map(|(name, weight)| self.distance(name, *weight))
            .fold(0.0, f64::max);
        [
            (
                self.traffic.served() == self.requests && self.traffic.failed() == 0,
                format!(
                    "{} of {} requests failed",
                    self.traffic.failed(),
                    self.requests
                ),
            ),
            (
                self.traffic.connections() == self.connections && furthest <= self.tolerance(),
                format!(
                    "{} connections lie within {:.2} % of the weights",
                    self.traffic.connections(),
                    furthest * 100.0
                ),
            ),
            (
                // That requests were seen shows that answers would have been.
                self.through_director.answers == 0 && self.through_director.requests > 0,
                format!(
                    "{} bytes of answers came back through the director; the client received {}",
                    self.through_director.answers, self.traffic.bytes
                ),
            ),
        ]
    }

    /// How far a real server's part of the connections is from its part of the weights.
    fn distance(&self, name: &str, weight: u16) -> f64 {
        (self.traffic.part_of_connections(name) - self.part_of_weights(weight)).abs()
    }

    /// How far it may be: 1 %, or what a last round of the scheduler makes that the connections do not fill.
    fn tolerance(&self) -> f64 {
        let weights = || self.weights.iter().map(|(_, weight)| u32::from(*weight));
        let divisor = weights().fold(0, greatest_common_divisor).max(1);
        let round = weights().sum::<u32>() / divisor;
        f64::max(0.01, f64::from(round) / self.connections as f64)
    }

    fn part_of_weights(&self, weight: u16) -> f64 {
        let sum: u32 = self
            .weights
            .iter()
            .map(|(_, weight)| u32::from(*weight))
            .sum();
        f64::from(weight) / f64::from(sum.max(1))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            " {:12}{:>8}{:>10}{:>13}{:>10}",
            "real server", "weight", "wanted", "connections", "requests"
        )?;
        for (name, weight) in &self.weights {
            let share = self.traffic.servers.get(name).copied().unwrap_or_default();
            let wanted = self.part_of_weights(*weight) * 100.0;
            writeln!(
                f,
                " {name:12}{weight:>8}{wanted:>8.1} %{:>13}{:>10}",
                share.connections, share.requests
            )?;
        }
        writeln!(f)?;
        for (what, latencies) in [
            ("connect", &self.traffic.connect_latencies),
            ("request", &self.traffic.latencies),
        ] {
            write!(f, " {what:12}")?;
            for (name, part) in [
                ("median", 0.5),
                ("90 %", 0.9),
                ("99 %", 0.99),
                ("99.9 %", 0.999),
                ("worst", 1.0),
            ] {
                let latency = latencies.percentile(part).unwrap_or_default();
                write!(f, "{name:>8} {:>7}", milliseconds(latency))?;
            }
            writeln!(f, "   ms")?;
        }
        writeln!(f)?;
        for (cause, requests) in &self.traffic.failures {
            writeln!(f, " {requests} requests failed: {cause}")?;
        }
        for (holds, claim) in self.claims() {
            writeln!(f, " {}  {claim}", if holds { "ok    " } else { "FAILED" })?;
        }
        writeln!(
            f,
            "\n The director took {} bytes of requests and acknowledgements, in and out, in {:.1} seconds.",
            self.through_director.requests,
            self.traffic.elapsed.as_secs_f64()
        )
    }
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 {
        one
    } else {
        greatest_common_divisor(other, one % other)
    }
}

fn milliseconds(latency: Duration) -> String {
    format!("{:.2}", latency.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Share;

    /// A demonstration in which all went well.
    fn report() -> Report {
        let mut traffic = traffic::Report {
            bytes: 81_920_000,
            ..traffic::Report::default()
        };
        for (name, connections) in [("real1", 1_200), ("real2", 400), ("real3", 400)] {
            traffic.servers.insert(
                name.to_owned(),
                Share {
                    connections,
                    requests: connections * 5,
                },
            );
        }
        Report {
            requests: 10_000,
            connections: 2_000,
            weights: [("real1", 3), ("real2", 1), ("real3", 1)]
                .map(|(name, weight)| (name.to_owned(), weight))
                .into(),
            traffic,
            through_director: Crossing {
                requests: 4_000_000,
                answers: 0,
            },
        }
    }

    #[test]
    fn a_good_demonstration_holds_and_shows_each_real_server() {
        let report = report();
        assert!(report.holds(), "{report}");
        assert!(
            report
                .to_string()
                .contains(" real1              3    60.0 %         1200      6000"),
            "{report}"
        );
    }

    #[test]
    fn each_claim_can_fail() {
        type Spoil = fn(&mut Report);
        let spoilers: [(&str, Spoil); 6] = [
            ("a failed request", |report| {
                report.traffic.failures.insert("no response".to_owned(), 1);
            }),
            ("a request that was not made", |report| report.requests += 1),
            ("another share", |report| {
                report.traffic.servers.get_mut("real1").unwrap().connections -= 100
            }),
            ("a connection that was not made", |report| {
                report.connections += 1
            }),
            ("an answer through the director", |report| {
                report.through_director.answers = 54
            }),
            ("a capture that saw nothing", |report| {
                report.through_director.requests = 0
            }),
        ];
        for (what, spoil) in spoilers {
            let mut report = report();
            spoil(&mut report);
            assert!(!report.holds(), "{what}: {report}");
            assert!(report.to_string().contains("FAILED"), "{what}");
        }
    }

    #[test]
    fn a_round_that_is_not_whole_is_no_failure_and_large_weights_are_no_excuse() {
        let mut report = report();
        report.connections = 4;
        assert!((report.tolerance() - 1.25).abs() < 1e-9);
        report.connections = 2_000;
        for (_, weight) in &mut report.weights {
            *weight *= 1_000;
        }
        assert!((report.tolerance() - 0.01).abs() < 1e-9);
    }

    #[test]
    fn the_progress_bar_can_be_drawn() {
        let bar = progress_bar(10);
        bar.set_position(10);
        assert_eq!(bar.position(), 10);
    }
}
