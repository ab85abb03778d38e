//! A lab that is up, and its members.

use std::{
    fmt, fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use crate::{
    capture::Capture,
    director::Director,
    namespace::Namespace,
    premises::Premises,
    process::Process,
    servers,
    topology::{Network, Topology},
    traffic::{Dns, Http, Load, retransmission},
    up::{self, Wired},
    wiring::Host,
};

/// A lab that is up. All of it is gone when this value is dropped, when the process gets SIGINT, SIGTERM or SIGHUP
/// (it then ends), and at the latest, if the process is killed, when the next lab starts.
pub struct Lab {
    topology: Topology,
    // In this order they are dropped: processes before namespaces, all before the premises.
    clients: Vec<Client>,
    directors: Vec<Director>,
    real_servers: Vec<RealServer>,
    wired: Wired,
    _premises: Arc<Premises>,
}

impl Lab {
    /// Brings a topology up. No server runs yet.
    ///
    /// # Errors
    /// Without the rights of root, or if the topology has more members than it can have.
    pub fn up(topology: Topology) -> Result<Self> {
        topology.check()?;
        let premises = Premises::claim(topology.name())?;
        let wired = up::wire(&premises, &topology)
            .with_context(|| format!("failed to bring up the lab {}", topology.name()))?;
        let namespace = |host| Arc::clone(&wired.hosts[&host]);
        let clients = (0..topology.client_count())
            .map(|index| Client {
                namespace: namespace(Host::Client(index)),
            })
            .collect();
        let real_servers = (0..topology.real_server_count())
            .map(|index| RealServer {
                name: Host::RealServer(index).name(),
                namespace: namespace(Host::RealServer(index)),
                premises: Arc::clone(&premises),
                processes: Mutex::default(),
                decapsulator: Mutex::default(),
            })
            .collect();
        let bpffs = premises.mount_bpffs()?;
        let directors = (0..topology.director_count())
            .map(|index| {
                Director::new(
                    &premises,
                    &bpffs,
                    namespace(Host::Director(index)),
                    &topology,
                    index,
                )
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            topology,
            clients,
            directors,
            real_servers,
            wired,
            _premises: premises,
        })
    }

    /// What was brought up, with the addresses.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// A client, counted from 0.
    pub fn client(&self, index: u8) -> &Client {
        &self.clients[usize::from(index)]
    }

    /// A director, counted from 0.
    pub fn director(&self, index: u8) -> &Director {
        &self.directors[usize::from(index)]
    }

    /// A real server, counted from 0.
    pub fn real_server(&self, index: u8) -> &RealServer {
        &self.real_servers[usize::from(index)]
    }

    /// All real servers.
    pub fn real_servers(&self) -> &[RealServer] {
        &self.real_servers
    }

    /// The namespace of the switch, where every cable has its other end.
    pub fn switch(&self) -> &Arc<Namespace> {
        &self.wired.switch
    }

    /// Starts a web server on every real server.
    ///
    /// # Errors
    /// If one of them does not start.
    pub fn serve_http(&self, port: u16) -> Result<()> {
        self.real_servers
            .iter()
            .try_for_each(|real_server| real_server.serve_http(port))
    }

    /// Starts a name server on every real server.
    ///
    /// # Errors
    /// If one of them does not start.
    pub fn serve_dns(&self, port: u16) -> Result<()> {
        self.real_servers
            .iter()
            .try_for_each(|real_server| real_server.serve_dns(port))
    }

    /// Captures on the cable of a director, from the switch's end: [`Out`](crate::Direction::Out) is to the director,
    /// [`In`](crate::Direction::In) is from it.
    ///
    /// A tagged client's frames to the director are not seen: they are put on the cable by XDP.
    ///
    /// # Errors
    /// If the director has no cable in that network.
    pub fn capture_at_director(&self, index: u8, network: Network) -> Result<Capture> {
        Capture::start(self.switch(), &Host::Director(index).port(network))
    }

    /// As [`Lab::capture_at_director`], but only the first 128 bytes of each frame.
    ///
    /// # Errors
    /// If the director has no cable in that network.
    pub fn capture_headers_at_director(&self, index: u8, network: Network) -> Result<Capture> {
        Capture::start_headers(self.switch(), &Host::Director(index).port(network), 128)
    }
}

/// A client: a namespace to send from.
pub struct Client {
    namespace: Arc<Namespace>,
}

impl Client {
    /// HTTP requests to an address, at first one.
    pub fn http(&self, address: SocketAddr) -> Load<Http> {
        Load::new(Arc::clone(&self.namespace), Http::new(address))
    }

    /// DNS queries to an address, at first one.
    pub fn dns(&self, address: SocketAddr) -> Load<Dns> {
        Load::new(Arc::clone(&self.namespace), Dns::new(address))
    }

    /// How many TCP segments it has sent again so far.
    ///
    /// # Errors
    /// If the kernel does not count them.
    pub fn retransmitted(&self) -> Result<u64> {
        self.namespace.run(retransmission::count)
    }

    /// Where it is.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }
}

/// A real server: a namespace with the VIPs on its loopback interface, and what runs in it.
pub struct RealServer {
    name: String,
    namespace: Arc<Namespace>,
    premises: Arc<Premises>,
    processes: Mutex<Vec<Process>>,
    decapsulator: Mutex<Option<Process>>,
}

impl RealServer {
    /// The name it gives in its answers, as `real1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }

    /// Starts a web server.
    ///
    /// # Errors
    /// If it does not start; the error has its log.
    pub fn serve_http(&self, port: u16) -> Result<()> {
        let process = servers::serve_http(&self.premises, &self.namespace, &self.name, port)?;
        self.processes().push(process);
        Ok(())
    }

    /// Starts a name server.
    ///
    /// # Errors
    /// If it does not start; the error has its log.
    pub fn serve_dns(&self, port: u16) -> Result<()> {
        let process = servers::serve_dns(&self.premises, &self.namespace, &self.name, port)?;
        self.processes().push(process);
        Ok(())
    }

    /// Runs `BINARY real decap` on it, which takes packets out of the tunnels that come from these sources: addresses
    /// and networks.
    ///
    /// # Errors
    /// If it does not start; the error has its log.
    pub fn unpack_tunnels(&self, binary: &Path, sources: &[impl fmt::Display]) -> Result<()> {
        let mut command = Command::new(binary);
        command.args(["real", "decap", "--interface", "eth0", "--json"]);
        for source in sources {
            command.arg("--director").arg(source.to_string());
        }
        let unique = format!("{}-decap", self.name);
        let mut process = Process::start(&self.premises, &self.namespace, &unique, command)?;
        // It says what it listens to when it does.
        let log = self.premises.directory().join(format!("{unique}.log"));
        process.wait_until_ready(|| Ok(fs::read_to_string(&log)?.ends_with('\n')))?;
        *self.decapsulator() = Some(process);
        Ok(())
    }

    /// Ends what [`RealServer::unpack_tunnels`] started, and gives what it says at the end: how many packets there were.
    ///
    /// # Errors
    /// If it does not run, or does not say so.
    pub fn stop_unpacking(&self) -> Result<serde_json::Value> {
        let process = self.decapsulator().take();
        let mut process = process.with_context(|| format!("{} unpacks nothing", self.name))?;
        process.signal(Signal::TERM)?;
        process.wait()?;
        let log = process.log();
        let counts = log.split_once('\n').map_or("", |(_, counts)| counts);
        serde_json::from_str(counts).with_context(|| format!("{} said: {log}", self.name))
    }

    /// Kills all its servers.
    pub fn kill_servers(&self) {
        self.processes().clear();
    }

    fn decapsulator(&self) -> MutexGuard<'_, Option<Process>> {
        self.decapsulator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn processes(&self) -> MutexGuard<'_, Vec<Process>> {
        self.processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
