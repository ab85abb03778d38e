//! The place of a lab on this machine, and the promise that nothing of it stays behind.
//!
//! A lab owns a directory `/run/dray-lab/ID`, whose file `owner` its process holds locked. All else that a
//! lab leaves in the system is found from ID alone: network namespaces named `dray-ID-…`, and a BPF file
//! system mounted inside the directory. So one function, [`clear`], ends a lab in each of three cases:
//!
//! - the lab is dropped;
//! - the process gets SIGINT, SIGTERM or SIGHUP: a thread of this module clears every lab of the process,
//!   then ends the process with the exit code 128 + signal, as a shell expects;
//! - the process was killed: the kernel releases its lock and kills its children, and the next lab
//!   that starts on the machine clears what it finds unlocked.

use std::{
    fs::{self, File},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rustix::process::{Signal, geteuid, pidfd_send_signal};
use tokio::signal::unix::{SignalKind, signal};

/// Where `ip netns` looks for named network namespaces.
pub(crate) const NAMESPACES: &str = "/run/netns";

/// A lab's directory, held for as long as this value lives.
pub(crate) struct Premises {
    id: String,
    directory: PathBuf,
    children: Mutex<Vec<Weak<OwnedFd>>>,
    _owner: File,
}

impl Premises {
    /// Takes a directory for a lab, after clearing those of processes that are gone.
    ///
    /// # Errors
    /// If the process is not root's.
    pub(crate) fn claim(name: &str) -> Result<Arc<Self>> {
        ensure!(
            geteuid().is_root(),
            "the lab makes network namespaces, which needs root: try `sudo`"
        );
        watch_signals();
        fs::create_dir_all(LABS).with_context(|| format!("failed to create {LABS}"))?;
        let mut live = live();
        let _one_at_a_time = locked(&Path::new(LABS).join("lock"))?;
        sweep()?;
        let premises = Arc::new(Self::create(name)?);
        live.retain(|premises| premises.strong_count() > 0);
        live.push(Arc::downgrade(&premises));
        Ok(premises)
    }

    fn create(name: &str) -> Result<Self> {
        let name: String = name
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '_'
                }
            })
            .collect();
        let process = std::process::id();
        let mut id = format!("{process}-{name}");
        for again in 2.. {
            let directory = Path::new(LABS).join(&id);
            match fs::create_dir(&directory) {
                Ok(()) => {
                    let owner = locked(&directory.join(OWNER))?;
                    return Ok(Self {
                        id,
                        directory,
                        children: Mutex::default(),
                        _owner: owner,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    id = format!("{process}-{name}_{again}")
                }
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("failed to create {}", directory.display()));
                }
            }
        }
        unreachable!("a process has fewer labs than there are numbers")
    }

    /// The lab's own directory, for configurations, logs and sockets.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The full name of the namespace of a role, as `dray-4711-demo-client`.
    pub(crate) fn namespace_name(&self, role: &str) -> String {
        format!("{}{role}", namespace_prefix(&self.id))
    }

    /// Does what leaves something in the system, unless the process is already on its way out.
    pub(crate) fn establish<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        // A signal's clearing takes this lock and never gives it back: nothing is made after it looked.
        let _live = live();
        work()
    }

    /// Mounts a BPF file system of the lab's own, and says where.
    pub(crate) fn mount_bpffs(&self) -> Result<PathBuf> {
        let path = self.directory.join(BPFFS);
        self.establish(|| {
            fs::create_dir(&path)?;
            mount(
                Some("bpf"),
                &path,
                Some("bpf"),
                MsFlags::empty(),
                Some("mode=0700"),
            )?;
            Ok(())
        })
        .with_context(|| format!("failed to mount a BPF file system on {}", path.display()))?;
        Ok(path)
    }

    /// Remembers a child process by its pidfd, to be killed when the lab is cleared.
    pub(crate) fn adopt(&self, child: &Arc<OwnedFd>) {
        let mut children = self.children();
        children.retain(|child| child.strong_count() > 0);
        children.push(Arc::downgrade(child));
    }

    /// Ends the lab in the system. What is gone already is no error.
    pub(crate) fn clear(&self) -> Result<()> {
        for child in self.children().iter().filter_map(Weak::upgrade) {
            // Ended already is what is wanted.
            let _ = pidfd_send_signal(child, Signal::KILL);
        }
        clear(&self.id)
    }

    fn children(&self) -> MutexGuard<'_, Vec<Weak<OwnedFd>>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Premises {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(
                lab = self.id,
                error = format!("{error:#}"),
                "failed to clear a lab"
            );
        }
    }
}

/// The labs of this process.
fn live() -> MutexGuard<'static, Vec<Weak<Premises>>> {
    static LIVE: Mutex<Vec<Weak<Premises>>> = Mutex::new(Vec::new());
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clears every lab of which no process holds the lock.
fn sweep() -> Result<()> {
    for entry in fs::read_dir(LABS).with_context(|| format!("failed to list {LABS}"))? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let abandoned = match File::open(entry.path().join(OWNER)) {
            Ok(owner) => owner.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if abandoned {
            clear(&entry.file_name().to_string_lossy())?;
        }
    }
    Ok(())
}

fn clear(id: &str) -> Result<()> {
    remove_namespaces(&namespace_prefix(id))?;
    let directory = Path::new(LABS).join(id);
    // Not mounted, or not even there: nothing to undo.
    let _ = umount2(&directory.join(BPFFS), MntFlags::MNT_DETACH);
    remove_directory(&directory)
        .with_context(|| format!("failed to remove {}", directory.display()))
}

fn remove_namespaces(prefix: &str) -> Result<()> {
    let entries = match fs::read_dir(NAMESPACES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("failed to list {NAMESPACES}"))?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        // A file that was made and not mounted on yet is no error either.
        let _ = umount2(&entry.path(), MntFlags::MNT_DETACH);
        fs::remove_file(entry.path())
            .with_context(|| format!("failed to remove {}", entry.path().display()))?;
    }
    Ok(())
}

/// Removes a directory, also while a process that was just killed writes its last file into it.
fn remove_directory(directory: &Path) -> io::Result<()> {
    let mut last = Ok(());
    for _ in 0..ATTEMPTS {
        last = fs::remove_dir_all(directory);
        match &last {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => break,
        }
    }
    last
}

fn namespace_prefix(id: &str) -> String {
    format!("dray-{id}-")
}

/// Opens a file and takes its lock, which the kernel releases when the process ends, however it ends.
fn locked(path: &Path) -> Result<File> {
    let file =
        File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
    file.lock()
        .with_context(|| format!("failed to lock {}", path.display()))?;
    Ok(file)
}

/// Starts, once for the process, the thread that clears all labs on a signal.
fn watch_signals() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        thread::Builder::new()
            .name("lab-signals".to_owned())
            .spawn(|| {
                let code = wait_for_signal();
                let live = live();
                for premises in live.iter().filter_map(Weak::upgrade) {
                    if let Err(error) = premises.clear() {
                        tracing::warn!(error = format!("{error:#}"), "failed to clear a lab");
                    }
                }
                std::process::exit(code);
            })
            .expect("a process that can start a lab can start a thread");
    });
}

fn wait_for_signal() -> i32 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("epoll is there on every Linux");
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be caught");
        let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be caught");
        let mut hang_up = signal(SignalKind::hangup()).expect("SIGHUP can be caught");
        let signal = tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
            _ = hang_up.recv() => SignalKind::hangup(),
        };
        128 + signal.as_raw_value()
    })
}

const LABS: &str = "/run/dray-lab";
const OWNER: &str = "owner";
const BPFFS: &str = "bpf";
/// How often a directory that will not stay empty is removed before that is an error.
const ATTEMPTS: usize = 1_000;
