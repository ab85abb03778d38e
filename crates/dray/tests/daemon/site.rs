//! A whole daemon around a data plane and a network of plain maps, and the built command line beside it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use dray::daemon::{self, Machine, ledger::Ledger};
use dray_api::{ClaimError, Client, RuntimeDir};
use dray_intent::{ConfigFile, Intent, OpenError, StartError, Timestamp};
use dray_model::{DestinationId, Mac, NextHop, Record, Way};
use dray_testkit::{FakeDataPlane, FakeNet, eventually, once_free};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinHandle};

pub(crate) struct Site {
    pub(crate) dataplane: FakeDataPlane,
    pub(crate) net: FakeNet,
    pub(crate) withdrawn: Arc<AtomicBool>,
    dir: TempDir,
}

/// A daemon that runs.
pub(crate) struct Daemon {
    pub(crate) client: Client,
    task: JoinHandle<anyhow::Result<()>>,
}

/// What the command line said.
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: ExitStatus,
}

impl Site {
    pub(crate) fn new(config: &str) -> Self {
        let site = Self {
            dataplane: FakeDataPlane::new(destinations_of),
            net: FakeNet::new(),
            withdrawn: Arc::default(),
            dir: tempfile::tempdir().expect("a directory"),
        };
        site.write(config);
        site
    }

    pub(crate) fn write(&self, config: &str) {
        fs::write(self.config(), config).expect("writes");
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("dray.toml")
    }

    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Every address has a neighbour on `eth0`, whose number is the last byte.
    pub(crate) fn resolve(&self, numbers: impl IntoIterator<Item = u8>) {
        self.net.resolve(numbers.into_iter().map(|number| {
            let address = format!("10.77.0.{number}");
            (address.parse().expect("an address"), way(number))
        }));
    }

    /// Starts a daemon and waits until it answers.
    pub(crate) async fn start(&self) -> Daemon {
        let task = tokio::spawn(self.run(false, || {}));
        let client = Client::new(&self.runtime_dir());
        eventually!(async task.is_finished() || client.status().await.is_ok());
        Daemon { client, task }
    }

    /// A daemon until its end. Its data plane is one that it makes, or that it finds; `opening` is done before it has it.
    pub(crate) fn run<F: Fn() + Send + Sync + 'static>(
        &self,
        is_new: bool,
        opening: F,
    ) -> impl Future<Output = anyhow::Result<()>> + use<F> {
        let bpffs = self.dir.path().join("bpf");
        let (dataplane, net) = (self.dataplane.clone(), self.net.clone());
        let withdrawn = Arc::clone(&self.withdrawn);
        let owner = self.runtime_dir();
        daemon::run(daemon::Parts {
            config: self.config(),
            intent: self.intent(),
            runtime_dir: self.claimed(),
            open: Arc::new(move |_| {
                opening();
                Ok(Machine {
                    dataplane: dataplane.clone(),
                    is_new,
                    net: net.clone(),
                    resolutions: net.reports(),
                    ledger: Ledger::open(&owner, &bpffs)?,
                })
            }),
            withdraw: Box::new(move |_| {
                withdrawn.store(true, Ordering::Relaxed);
                Ok(())
            }),
        })
    }

    /// What a daemon would start with now.
    pub(crate) fn intent(&self) -> Intent {
        let now = Timestamp::from(SystemTime::now());
        let file = || ConfigFile::read(&self.config());
        let opened = once_free(
            || Intent::open(&self.state_dir(), file(), now),
            |error| matches!(error, StartError::Open(OpenError::Taken { .. })),
        );
        opened.expect("a good file").intent
    }

    fn claimed(&self) -> RuntimeDir {
        let claimed = once_free(
            || RuntimeDir::claim(&self.runtime_dir()),
            |error| matches!(error, ClaimError::Taken { .. }),
        );
        claimed.expect("it is free")
    }

    /// The files of the state directory, with what they hold.
    pub(crate) fn state_files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let directories = [self.state_dir(), self.state_dir().join("applied")];
        let entries = directories
            .into_iter()
            .flat_map(|directory| fs::read_dir(directory).expect("a directory"));
        let paths = entries.map(|entry| entry.expect("readable").path());
        let files = paths.filter(|path| path.is_file());
        files
            .map(|file| (file.clone(), fs::read(&file).expect("readable")))
            .collect()
    }

    /// The built command line, about to be run against the daemon.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dray"));
        command
            .args(arguments)
            .arg("--runtime-dir")
            .arg(self.runtime_dir());
        command
    }

    /// Runs the built command line against the daemon.
    pub(crate) async fn dray<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        let mut command = self.command(arguments);
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().await.expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said {
            out: text(stdout),
            err: text(stderr),
            status,
        }
    }
}

impl Daemon {
    /// Waits until it has ended.
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        self.task.await.expect("it does not panic")
    }

    /// Ends it as `kill -9` would, but for the sockets and locks of this process.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.expect_err("it was cut off").is_cancelled());
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// The way to a neighbour of the director's.
fn way(number: u8) -> Way {
    let mac = |number| Mac([2, 0, 0, 0, 0, number]);
    Way {
        next: NextHop {
            interface: 1,
            vlan: None,
            source: mac(1),
            destination: mac(number),
            mtu: 1500,
        },
        gateway: None,
        source: Some([10, 77, 0, 1].into()),
        shared: Some(24),
    }
}

fn destinations_of(record: &Record) -> Vec<DestinationId> {
    let decoded = dray_sched::decode(&record.0).expect("only records of dray-sched are published");
    decoded
        .list
        .into_iter()
        .map(|entry| DestinationId(entry.destination))
        .collect()
}
