//! One run of the kernel, as a group of processes that never outlives us.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use dray_guest::{FOLDER_VARIABLE, MODULES_VARIABLE};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use super::{
    Machine,
    filter::{C_LIBRARY, Filter},
};

/// The guest's memory: a file of the host that grows as it is used.
const MEMORY: &str = "mem=1G";

/// Boots with `folder` lent to the guest, and returns the console's text when the guest has switched itself off.
pub(super) fn run(machine: &Machine, folder: &Path, limit: Duration) -> Result<String> {
    let console = folder.join("console");
    let file = File::create(&console).context("failed to create the guest's console")?;
    let mut command = Command::new(&machine.kernel);
    command
        .args([MEMORY, "rootfstype=hostfs", "ro", "init=/init", "quiet"])
        .arg(format!("rootflags={}", machine.root.display()))
        .args(["con=null", "con0=null,fd:1"])
        .arg(format!("uml_dir={}", folder.display()))
        .arg(format!("{FOLDER_VARIABLE}={}", folder.display()))
        .arg(format!("{MODULES_VARIABLE}={}", machine.modules.display()))
        .arg(C_LIBRARY)
        .env("LD_PRELOAD", &machine.clock)
        .stdin(Stdio::null())
        .stdout(
            file.try_clone()
                .context("failed to share the guest's console")?,
        )
        .stderr(file);
    let running = start(&mut command)
        .with_context(|| format!("failed to start {}", machine.kernel.display()))?;
    let ended = running.wait(limit)?;
    let text = String::from_utf8_lossy(&fs::read(&console).unwrap_or_default()).into_owned();
    if !ended {
        bail!(
            "the guest did not end within {} s; its console says:\n{}",
            limit.as_secs(),
            super::tail(&text)
        );
    }
    Ok(text)
}

fn start(command: &mut Command) -> Result<Running> {
    let kernel = confined(command)?.process_group(0).spawn()?;
    let group = Pid::from_child(&kernel);
    let mut running = Running {
        kernel,
        watch: None,
    };
    let watch = Command::new("sh")
        .args(["-c", "read nothing; kill -s KILL -- \"-$0\""])
        .arg(group.to_string())
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("failed to start a shell")?;
    running.watch = Some(watch);
    Ok(running)
}

/// The command, to be run with the [`Filter`] on and on one processor.
#[expect(unsafe_code, reason = "both must be put on between fork and exec")]
fn confined(command: &mut Command) -> Result<&mut Command> {
    let mut filter = Filter::new();
    let processor = processor()?;
    let confine = move || {
        sched_setaffinity(None, &processor)?;
        filter.install()
    };
    // SAFETY: between fork and exec this makes system calls and nothing else; filter and set were made before.
    Ok(unsafe { command.pre_exec(confine) })
}

/// The processor of one boot, another one each time. The guest's kernel and its processes take turns at each system call
/// and page fault: to wake another processor takes longer than what there is to do.
fn processor() -> Result<CpuSet> {
    static BOOTS: AtomicUsize = AtomicUsize::new(0);
    let ours = sched_getaffinity(None).context("failed to ask for this process's processors")?;
    let boot = BOOTS.fetch_add(1, Ordering::Relaxed);
    let mut one = CpuSet::new();
    (0..CpuSet::MAX_CPU)
        .filter(|processor| ours.is_set(*processor))
        .nth(boot % ours.count().max(1) as usize)
        .into_iter()
        .for_each(|processor| one.set(processor));
    Ok(one)
}

/// The kernel, leader of the group of processes in which the guest's processes run; and one that watches over the
/// group: it reads from a pipe whose other end we hold. When we are gone, however that came, it kills the group.
struct Running {
    kernel: Child,
    watch: Option<Child>,
}

impl Running {
    /// Waits for the kernel's end; false when it did not come within `limit`.
    fn wait(&self, limit: Duration) -> Result<bool> {
        let process = pidfd_open(Pid::from_child(&self.kernel), PidfdFlags::empty())
            .context("failed to watch the guest's process")?;
        let limit = limit.try_into().context("that limit is too long")?;
        let mut watched = [PollFd::new(&process, PollFlags::IN)];
        let ready = poll(&mut watched, Some(&limit)).context("failed to wait for the guest")?;
        Ok(ready > 0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // None of the group is left where the guest ended by itself. The leader is not yet waited for, so that no other
        // group can have its number.
        let _ = kill_process_group(Pid::from_child(&self.kernel), Signal::KILL);
        if let Some(watch) = &mut self.watch {
            let _ = watch.kill();
            let _ = watch.wait();
        }
        let _ = self.kernel.wait();
    }
}
