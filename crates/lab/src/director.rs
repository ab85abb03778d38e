//! The director's daemon in a lab: any `dray` binary, started, killed, asked and told.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;

use crate::{
    config::DirectorConfig, namespace::Namespace, premises::Premises, process::Process,
    topology::Topology, wait,
};

/// A director: a namespace, and the daemon in it.
pub struct Director {
    name: String,
    namespace: Arc<Namespace>,
    premises: Arc<Premises>,
    config: DirectorConfig,
    config_file: PathBuf,
    runtime_dir: PathBuf,
    state_dir: PathBuf,
    bpffs: PathBuf,
    daemon: Mutex<Option<Daemon>>,
}

struct Daemon {
    binary: PathBuf,
    process: Process,
}

impl Director {
    pub(crate) fn new(
        premises: &Arc<Premises>,
        bpffs: &Path,
        namespace: Arc<Namespace>,
        topology: &Topology,
        index: u8,
    ) -> Result<Self> {
        let name = format!("director{}", index + 1);
        let runtime_dir = premises.directory().join(&name);
        let bpffs = bpffs.join(&name);
        for directory in [&runtime_dir, &bpffs] {
            fs::create_dir(directory)
                .with_context(|| format!("failed to create {}", directory.display()))?;
        }
        Ok(Self {
            config: DirectorConfig::new(topology, index),
            config_file: premises.directory().join(format!("{name}.toml")),
            state_dir: premises.directory().join(format!("{name}-state")),
            name,
            namespace,
            premises: Arc::clone(premises),
            runtime_dir,
            bpffs,
            daemon: Mutex::default(),
        })
    }

    /// A configuration without services, with the director's interfaces; the start of one with services.
    pub fn config(&self) -> DirectorConfig {
        self.config.clone()
    }

    /// Where it is.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }

    /// Its configuration file.
    pub fn config_file(&self) -> &Path {
        &self.config_file
    }

    /// Its runtime directory.
    pub fn runtime_dir(&self) -> &Path {
        &self.runtime_dir
    }

    /// Its state directory.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The directory in a BPF file system where it pins its maps, programs and links.
    pub fn bpffs(&self) -> &Path {
        &self.bpffs
    }

    /// Writes a configuration, starts `BINARY run` and waits until it answers.
    ///
    /// # Errors
    /// If it runs already, or does not start; the error has its log.
    pub fn start(&self, binary: &Path, config: impl ToString) -> Result<()> {
        self.write_config(config)?;
        self.launch(binary)
    }

    /// Starts it again with the same configuration, after [`Director::kill`] or [`Director::stop`], from another
    /// binary if one is given.
    ///
    /// # Errors
    /// As [`Director::start`].
    pub fn restart(&self, binary: &Path) -> Result<()> {
        self.launch(binary)
    }

    /// Writes the configuration file without telling the daemon.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_config(&self, config: impl ToString) -> Result<()> {
        fs::write(&self.config_file, config.to_string())
            .with_context(|| format!("failed to write {}", self.config_file.display()))
    }

    /// Writes a configuration and has the daemon take it over. Gives what the command printed.
    ///
    /// # Errors
    /// If the daemon refuses it; the error has what the command said.
    pub fn reload(&self, config: impl ToString) -> Result<String> {
        self.write_config(config)?;
        self.command(["reload"])
    }

    /// Stops the daemon with flags of `dray stop`, as `--keep-forwarding`, and waits until it has ended.
    ///
    /// # Errors
    /// If it does not run, or does not end.
    pub fn stop(&self, flags: &[&str]) -> Result<()> {
        self.command(["stop"].iter().chain(flags))?;
        let mut daemon = self.daemon().take().with_context(|| self.does_not_run())?;
        let status = daemon.process.wait()?;
        ensure!(
            status.success(),
            "{} ended with {status}; its log:\n{}",
            self.name,
            daemon.process.log()
        );
        Ok(())
    }

    /// Kills the daemon, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&self) -> Result<()> {
        self.daemon()
            .take()
            .with_context(|| self.does_not_run())?
            .process
            .kill()
    }

    /// Sends the daemon a signal, as SIGHUP.
    ///
    /// # Errors
    /// If it does not run.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.daemon()
            .as_ref()
            .with_context(|| self.does_not_run())?
            .process
            .signal(signal)
    }

    /// What `dray status --json` says.
    ///
    /// # Errors
    /// If the daemon does not answer.
    pub fn status(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_str(&self.command(["status", "--json"])?)?)
    }

    /// Waits until every destination that may get new connections does, so until all neighbours are known.
    ///
    /// # Errors
    /// If the daemon does not answer, or a destination stays without; the error has what the daemon says of it.
    pub fn wait_until_eligible(&self) -> Result<()> {
        let mut last = Vec::new();
        wait::until("all destinations to be eligible", || {
            last = not_eligible(&self.status()?);
            Ok(last.is_empty().then_some(()))
        })
        .with_context(|| format!("{}: {}", self.name, last.join("; ")))
    }

    /// Runs a command of the daemon's binary against its runtime directory, and gives what it printed.
    ///
    /// # Errors
    /// If the daemon does not run or the command fails; the error has what the command said.
    pub fn command<A: AsRef<str>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String> {
        let binary = self
            .daemon()
            .as_ref()
            .with_context(|| self.does_not_run())?
            .binary
            .clone();
        let arguments: Vec<String> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let output = self.output(&binary, &arguments)?;
        if !output.status.success() {
            bail!(
                "`dray {}` failed with {}:\n{}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// All that the daemon, and those before it, have logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.premises.directory().join(format!("{}.log", self.name)))
            .unwrap_or_default()
    }

    fn launch(&self, binary: &Path) -> Result<()> {
        let mut daemon = self.daemon();
        ensure!(daemon.is_none(), "{} runs already", self.name);
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(&self.config_file);
        command
            .arg("--runtime-dir")
            .arg(&self.runtime_dir)
            .arg("--state-dir")
            .arg(&self.state_dir)
            .arg("--bpffs")
            .arg(&self.bpffs);
        let mut process = Process::start(&self.premises, &self.namespace, &self.name, command)?;
        process.wait_until_ready(|| {
            Ok(self
                .output(binary, &["status".to_owned(), "--json".to_owned()])?
                .status
                .success())
        })?;
        *daemon = Some(Daemon {
            binary: binary.to_owned(),
            process,
        });
        Ok(())
    }

    fn output(&self, binary: &Path, arguments: &[String]) -> Result<Output> {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .arg("--runtime-dir")
            .arg(&self.runtime_dir);
        self.namespace.output(command)
    }

    fn does_not_run(&self) -> String {
        format!("{} does not run", self.name)
    }

    fn daemon(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a status (`dray status --json`) says of destinations that should get new connections and do not.
fn not_eligible(status: &serde_json::Value) -> Vec<String> {
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    list(&status["services"])
        .iter()
        .flat_map(|service| list(&service["destinations"]))
        .filter(|destination| destination["standing"] == "not-eligible")
        .map(|destination| format!("{}: {}", destination["real"], destination["why"]))
        .collect()
}
