//! What every scene needs: the built binary, addresses of VIPs, a running director, and what it says of itself.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    process::{Command, Output},
};

use dray_api::v1::{Connections, Destination, Service, Status, Verdict};
use dray_lab::{
    Director, Family, Lab, Topology, VirtualService,
    traffic::{Http, Report, Running, Session},
};

/// The binary under test.
pub(crate) fn dray() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_dray"))
}

/// Where the service of a director is reached.
pub(crate) fn vip(lab: &Lab, director: u8, family: Family, port: u16) -> SocketAddr {
    SocketAddr::new(lab.topology().vip(director, family), port)
}

/// A lab with web servers and one director, and where its web service is reached.
pub(crate) fn lab_with_web(name: &str, real_servers: u8) -> (Lab, SocketAddr) {
    let lab = Lab::up(Topology::one_arm(real_servers).named(name)).unwrap();
    lab.serve_http(80).unwrap();
    let vip = vip(&lab, 0, Family::V4, 80);
    (lab, vip)
}

/// A web service with a weight for each of the first real servers.
pub(crate) fn web(family: Family, weights: &[u16]) -> VirtualService {
    VirtualService::tcp("web", family, 80).weights(weights)
}

/// A name service with a weight for each of the first real servers.
pub(crate) fn dns(family: Family, weights: &[u16]) -> VirtualService {
    VirtualService::udp("dns", family, 53).weights(weights)
}

/// Asks a director's name service without end, a few times from each port.
pub(crate) fn ask_for_names(lab: &Lab, family: Family) -> Running {
    let names = lab.client(0).dns(vip(lab, 0, family, 53));
    names.requests(5).concurrency(4).start().unwrap()
}

/// Starts a director, and waits until each of its destinations gets connections.
pub(crate) fn start(director: &Director, config: impl ToString) {
    director.start(dray(), config).unwrap();
    director.wait_until_eligible().unwrap();
}

/// `dray status --json`, as programs read it.
pub(crate) fn status(director: &Director) -> Status {
    serde_json::from_value(director.status().unwrap()).unwrap()
}

/// The one service of a director.
pub(crate) fn service(director: &Director) -> Service {
    let Status { services, .. } = status(director);
    <[_; 1]>::try_from(services)
        .map_err(|services| services.len())
        .expect("one service")
        .into_iter()
        .next()
        .expect("it is there")
}

/// A destination of a service.
pub(crate) fn destination(service: &Service, real: IpAddr) -> &Destination {
    service
        .destinations
        .iter()
        .find(|destination| destination.real == real)
        .unwrap_or_else(|| panic!("no destination {real} in {service:?}"))
}

/// `dray connections --json` with filters.
pub(crate) fn connections(director: &Director, filters: &[&str]) -> Connections {
    let arguments = ["connections", "--json"].iter().chain(filters);
    serde_json::from_str(&director.command(arguments).unwrap()).unwrap()
}

/// Runs a command of the binary against a director's runtime directory, whether its daemon runs or not.
pub(crate) fn run(director: &Director, arguments: &[&str]) -> Output {
    let mut command = Command::new(dray());
    command
        .args(arguments)
        .arg("--runtime-dir")
        .arg(director.runtime_dir());
    director.namespace().output(command).unwrap()
}

/// Something was served and nothing failed.
pub(crate) fn assert_served(report: &Report) {
    assert!(report.served() > 0, "nothing was asked");
    assert_eq!(report.failed(), 0, "{:?}", report.failures);
}

/// How many packets a director has let fall, by reason.
pub(crate) fn dropped(director: &Director) -> BTreeMap<String, u64> {
    counted(director, |verdict| verdict == Verdict::Drop)
}

/// How many packets a director has treated in another way than usual, by reason.
pub(crate) fn reasons(director: &Director) -> BTreeMap<String, u64> {
    counted(director, |_| true)
}

fn counted(director: &Director, which: impl Fn(Verdict) -> bool) -> BTreeMap<String, u64> {
    status(director)
        .reasons
        .into_iter()
        .filter(|reason| which(reason.verdict) && reason.packets > 0)
        .map(|reason| (reason.name, reason.packets))
        .collect()
}

/// The director has let no packet fall.
pub(crate) fn assert_nothing_dropped(director: &Director) {
    let drops = dropped(director);
    assert!(drops.is_empty(), "{drops:?}");
}

/// Each real server got its part of the connections by weight, within 1 % of all connections.
pub(crate) fn assert_shares(report: &Report, weights: &[(&str, u16)]) {
    let all: u16 = weights.iter().map(|(_, weight)| weight).sum();
    for (server, weight) in weights {
        let wanted = f64::from(*weight) / f64::from(all);
        let part = report.part_of_connections(server);
        assert!(
            (part - wanted).abs() <= 0.01,
            "{server} got {part:.4} of the connections, not {wanted:.4}: {:?}",
            report.servers
        );
    }
    assert!(
        report
            .servers
            .keys()
            .all(|server| weights.iter().any(|(name, _)| name == server)),
        "{:?}",
        report.servers
    );
}

/// A keep-alive connection, and the real server that it is on.
pub(crate) struct Kept {
    session: Session<Http>,
    /// The real server's name.
    pub(crate) server: String,
}

impl Kept {
    /// Opens a connection to a web service.
    pub(crate) fn open(lab: &Lab, vip: SocketAddr) -> Self {
        let mut session = lab.client(0).http(vip).session().unwrap();
        let server = session.ask().unwrap().server;
        Self { session, server }
    }

    /// Opens connections until there is one on each of these real servers.
    pub(crate) fn one_on_each(lab: &Lab, vip: SocketAddr, servers: &[&str]) -> Vec<Self> {
        let mut found = BTreeMap::new();
        // Far more than the weights of any scene need.
        for _ in 0..1_000 {
            if servers.iter().all(|server| found.contains_key(*server)) {
                break;
            }
            let kept = Self::open(lab, vip);
            found.entry(kept.server.clone()).or_insert(kept);
        }
        for server in servers {
            assert!(found.contains_key(*server), "no connection on {server}");
        }
        found.into_values().collect()
    }

    /// Asks on the connection, and no answer comes.
    pub(crate) fn fails(&mut self) {
        if let Ok(answer) = self.session.ask() {
            panic!("{} answered: {answer:?}", self.server);
        }
    }

    /// Asks on the connection; the same real server answers.
    pub(crate) fn ask(&mut self) {
        let answer = self
            .session
            .ask()
            .unwrap_or_else(|error| panic!("a connection on {}: {error:#}", self.server));
        assert_eq!(answer.server, self.server);
    }
}
