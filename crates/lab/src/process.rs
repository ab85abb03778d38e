//! A process in a namespace of a lab: its log, its signals and its end.

use std::{
    fs::{self, File},
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::{namespace::Namespace, premises::Premises, wait};

/// A running process. It is killed when the value is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    /// The process by a handle that never comes to mean another one.
    handle: Arc<OwnedFd>,
    log: PathBuf,
}

impl Process {
    /// Starts a command in a namespace. What it prints is appended to `NAME.log` in the lab's directory.
    pub(crate) fn start(
        premises: &Premises,
        namespace: &Namespace,
        name: &str,
        mut command: Command,
    ) -> Result<Self> {
        let log = premises.directory().join(format!("{name}.log"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("failed to open {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        premises.establish(|| {
            let child = namespace.spawn(command)?;
            let handle = Arc::new(pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?);
            premises.adopt(&handle);
            Ok(Self {
                name: name.to_owned(),
                child,
                handle,
                log,
            })
        })
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        pidfd_send_signal(&self.handle, signal)
            .with_context(|| format!("failed to send {signal:?} to {}", self.name))
    }

    /// Waits until it answers, as `ready` finds it, or says why it never will.
    pub(crate) fn wait_until_ready(
        &mut self,
        mut ready: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        wait::until(&format!("{} to answer", self.name), || {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "{} ended with {status}; it said:\n{}",
                    self.name,
                    self.log()
                );
            }
            Ok(ready()?.then_some(()))
        })
        .with_context(|| format!("{} did not start; its log:\n{}", self.name, self.log()))
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let child = &mut self.child;
        wait::until(&format!("{} to end", self.name), || Ok(child.try_wait()?))
    }

    /// Ends it at once, as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// All that it has printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already is what is wanted.
        let _ = self.kill();
    }
}
