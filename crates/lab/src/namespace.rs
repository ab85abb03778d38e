//! A network namespace with a name, and work and processes inside it.
//!
//! The name is the one `ip netns` knows: `ip netns exec NAME command` works for the person at the lab. The
//! namespace goes when its [`Premises`] are cleared.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::CommandExt as _,
    },
    panic,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, mpsc},
    thread,
};

use anyhow::{Context as _, Result, anyhow};
use dray_net::{Link, Netlink};
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
};
use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

use crate::premises::{NAMESPACES, Premises};

/// A network namespace of a lab.
pub struct Namespace {
    name: String,
    file: File,
    keeper: mpsc::Sender<Start>,
}

/// A process to start, and where its handle goes.
type Start = (Command, mpsc::Sender<io::Result<Child>>);

impl Namespace {
    /// Makes an empty namespace for a role in a lab.
    pub(crate) fn create(premises: &Premises, role: &str) -> Result<Arc<Self>> {
        let name = premises.namespace_name(role);
        let path = Path::new(NAMESPACES).join(&name);
        let (keeper, starts) = mpsc::channel();
        let (ready, made) = mpsc::channel();
        premises
            .establish(|| {
                prepare_directory()?;
                let path = path.clone();
                thread::Builder::new()
                    .name(format!("lab-{role}"))
                    .spawn(move || {
                        let result = unshare_and_name(&path);
                        let keep = result.is_ok();
                        // The other side waits for this one message.
                        let _ = ready.send(result);
                        if keep {
                            start_processes(&starts);
                        }
                    })?;
                made.recv()?
            })
            .with_context(|| format!("failed to create the network namespace {name}"))?;
        let file =
            File::open(&path).with_context(|| format!("failed to open {}", path.display()))?;
        Ok(Arc::new(Self { name, file, keeper }))
    }

    /// The name by which `ip netns exec` enters it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does work on a thread inside the namespace and waits for it. Sockets stay in the namespace they were
    /// opened in, whichever thread uses them later.
    ///
    /// # Errors
    /// The work's own, or if the namespace cannot be entered.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let outcome = thread::scope(|scope| {
            scope
                .spawn(|| {
                    self.enter()?;
                    work()
                })
                .join()
        });
        outcome.unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    }

    /// Does asynchronous work on a thread inside the namespace, on a runtime of its own, and waits for it.
    ///
    /// # Errors
    /// The work's own, or if the namespace cannot be entered.
    pub fn block_on<T: Send, F: Future<Output = Result<T>>>(
        &self,
        work: impl FnOnce() -> F + Send,
    ) -> Result<T> {
        self.run(|| runtime()?.block_on(work()))
    }

    /// An interface of the namespace: its number, its Ethernet address.
    ///
    /// # Errors
    /// If there is no such interface.
    pub fn link(&self, interface: &str) -> Result<Link> {
        self.block_on(async || Ok(Netlink::open()?.link(interface).await?))
    }

    /// Moves the calling thread into the namespace, for good.
    pub(crate) fn enter(&self) -> Result<()> {
        setns(&self.file, CloneFlags::CLONE_NEWNET)
            .with_context(|| format!("failed to enter the network namespace {}", self.name))
    }

    /// Runs a program inside the namespace to its end, and gives what it printed.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn output(&self, mut command: Command) -> Result<Output> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(self.spawn(command)?.wait_with_output()?)
    }

    /// Starts a process inside the namespace. It is killed when this value, or the whole process, is gone; a
    /// Ctrl-C on the terminal does not reach it.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(crate) fn spawn(&self, command: Command) -> Result<Child> {
        let program = command.get_program().to_owned();
        let (reply, child) = mpsc::channel();
        self.keeper
            .send((command, reply))
            .map_err(|_| anyhow!("the keeper of {} is gone", self.name))?;
        child
            .recv()?
            .with_context(|| format!("failed to start {}", program.display()))
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A runtime for one thread.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start a runtime")
}

/// Makes `/run/netns` what `ip netns` makes of it: a shared mount, so that unmounting a namespace is seen in
/// every mount namespace.
fn prepare_directory() -> Result<()> {
    fs::create_dir_all(NAMESPACES)?;
    let share = || {
        mount(
            None::<&str>,
            NAMESPACES,
            None::<&str>,
            MsFlags::MS_SHARED | MsFlags::MS_REC,
            None::<&str>,
        )
    };
    match share() {
        // Not a mount point yet.
        Err(Errno::EINVAL) => {
            mount(
                Some(NAMESPACES),
                NAMESPACES,
                None::<&str>,
                MsFlags::MS_BIND | MsFlags::MS_REC,
                None::<&str>,
            )?;
            share()?;
        }
        outcome => outcome?,
    }
    Ok(())
}

/// Gives the calling thread a new network namespace, and the namespace a name.
fn unshare_and_name(path: &Path) -> Result<()> {
    File::create_new(path)?;
    unshare(CloneFlags::CLONE_NEWNET)?;
    mount(
        Some("/proc/thread-self/ns/net"),
        path,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )?;
    Ok(())
}

/// Starts processes from a thread that lives as long as the namespace's handle.
///
/// The kernel sends the death signal when the *thread* that started a process ends, so processes cannot be
/// started from the short-lived threads of [`Namespace::run`].
fn start_processes(starts: &mpsc::Receiver<Start>) {
    let parent = getpid();
    for (mut command, reply) in starts {
        command.process_group(0);
        let with_parent = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have ended before the call above.
            if getppid() == Some(parent) {
                Ok(())
            } else {
                Err(io::ErrorKind::NotConnected.into())
            }
        };
        #[expect(
            unsafe_code,
            reason = "only a hook between fork and exec can set the death signal"
        )]
        // SAFETY: the hook makes two system calls and allocates nothing, so it is sound in a forked child.
        unsafe {
            command.pre_exec(with_parent);
        }
        // A caller that went away has dropped its wish to know.
        let _ = reply.send(command.spawn());
    }
}
