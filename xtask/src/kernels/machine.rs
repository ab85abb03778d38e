//! One run of the emulated machine.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{guest, protocol::Report};
use crate::process;

/// The emulator.
const QEMU: &str = "qemu-system-x86_64";
/// Its memory, in MiB: the files are in it, and tables for a million connections.
const MEMORY: &str = "2048";

/// Boots `image`, shows the console, and returns what the guest reported when it is off again. It ends with us,
/// however we end.
pub(super) fn run(
    image: &Path,
    initramfs: &Path,
    reports: &Path,
    limit: Duration,
) -> Result<Vec<Report>> {
    let processors = thread::available_parallelism().map_or(1, |count| count.get().min(8));
    let mut command = process::program("setpriv");
    command
        .args(["--pdeathsig", "KILL", QEMU])
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
        ])
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-m", MEMORY])
        .args(["-smp", &processors.to_string()])
        .arg("-kernel")
        .arg(image)
        .arg("-initrd")
        .arg(initramfs)
        // A panic ends the machine; after the dashes come the words for the first process.
        .args([
            "-append",
            &format!("console=ttyS0 quiet panic=-1 -- {}", guest::VERB),
        ])
        .args(["-serial", "stdio", "-serial"])
        .arg(format!("file:{}", reports.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut running = Running(
        command
            .spawn()
            .context("failed to start setpriv (util-linux)")?,
    );
    let console = running.0.stdout.take().context("its output is a pipe")?;
    show(&lines(console), Instant::now() + limit)
        .with_context(|| format!("the machine did not end within {} s", limit.as_secs()))?;
    let status = running
        .0
        .wait()
        .context("failed to wait for the emulator")?;
    if !status.success() {
        bail!("{QEMU} failed ({status}); what it says is above");
    }
    let reports = fs::read(reports).context("failed to read the guest's reports")?;
    Ok(String::from_utf8_lossy(&reports)
        .lines()
        .filter_map(Report::parse)
        .collect())
}

/// The emulator while it runs. It does not outlive this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes the console to our own output until it ends.
fn show(console: &Receiver<String>, until: Instant) -> Result<()> {
    loop {
        match console.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => println!("{line}"),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => bail!("it was switched off"),
        }
    }
}

/// The lines of the console as they come.
fn lines(console: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
