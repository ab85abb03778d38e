//! The first process: makes the guest ready, has the plans played one after the other, switches the guest off.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, bail};
use dray_guest::{ERRORS, FOLDER, FOLDER_VARIABLE, KERNEL, MODULES_VARIABLE, PLANS, REPORTS};
use nix::mount::{MsFlags, mount};

/// The argument with which we play one plan.
pub(crate) const PLAY: &str = "play";

const SEARCH_PATH: &str = "/bin:/sbin:/usr/bin:/usr/sbin";

/// What a plan may ask of the kernel: IPVS with every scheduler it has (one that is not built is not missed until a
/// scenario names it), marks by iptables, and the taps.
const MODULES: &[&str] = &[
    "ipv6",
    "tun",
    "ip_vs",
    "ip_vs_rr",
    "ip_vs_wrr",
    "ip_vs_lc",
    "ip_vs_wlc",
    "ip_vs_fo",
    "ip_vs_ovf",
    "ip_vs_lblc",
    "ip_vs_lblcr",
    "ip_vs_dh",
    "ip_vs_sh",
    "ip_vs_mh",
    "ip_vs_sed",
    "ip_vs_nq",
    "ip_vs_pe_sip",
    "iptable_mangle",
    "ip6table_mangle",
    "xt_mark",
    "xt_tcpudp",
    "xt_sctp",
];

pub(crate) fn run() -> ExitCode {
    let done = mount_everything().and_then(|()| {
        let folder = Path::new(FOLDER);
        let mut errors = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(ERRORS))
            .context("failed to open the file of errors")?;
        if let Err(error) = play_everything(folder, &errors) {
            writeln!(errors, "{error:#}").context("failed to write the file of errors")?;
        }
        Ok(())
    });
    if let Err(error) = done {
        // The console is all there is without the folder.
        eprintln!("dray-guest: {error:#}");
    }
    // Init may not end: that would be a panic of the kernel. Switching off ends us.
    let _ = program("poweroff").arg("-f").status();
    ExitCode::FAILURE
}

fn mount_everything() -> Result<()> {
    for (kind, at) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("tmpfs", "/run"),
        ("tmpfs", "/tmp"),
    ] {
        mount_one(kind, at, None)?;
    }
    // The kernel may have mounted it already.
    let _ = mount_one("devtmpfs", "/dev", None);
    for (variable, at) in [
        (FOLDER_VARIABLE, FOLDER),
        (MODULES_VARIABLE, "/lib/modules"),
    ] {
        let from = std::env::var(variable)
            .with_context(|| format!("the kernel's command line has no {variable}"))?;
        mount_one("hostfs", at, Some(&from))?;
    }
    Ok(())
}

fn mount_one(kind: &str, at: &str, options: Option<&str>) -> Result<()> {
    mount(Some(kind), at, Some(kind), MsFlags::empty(), options)
        .with_context(|| format!("failed to mount {kind} on {at}"))
}

fn play_everything(folder: &Path, errors: &File) -> Result<()> {
    // Each alone: one that is missing must not keep the others away.
    for module in MODULES {
        let _ = program("modprobe")
            .arg(module)
            .stderr(Stdio::null())
            .status()
            .context("failed to start modprobe")?;
    }
    let kernel = ["osrelease", "version"]
        .map(|word| fs::read_to_string(Path::new("/proc/sys/kernel").join(word)))
        .into_iter()
        .collect::<Result<Vec<String>, _>>()
        .context("failed to read the kernel's version")?;
    fs::write(
        folder.join(KERNEL),
        format!("{} {}\n", kernel[0].trim(), kernel[1].trim()),
    )
    .context("failed to write the kernel's version")?;

    let mut failed = Vec::new();
    for plan in plans(folder)? {
        let status = child(folder, &plan, errors)?
            .wait()
            .context("failed to wait for a plan's child")?;
        if let Some(signal) = status.signal() {
            failed.push(format!("{} was killed by signal {signal}", plan.display()));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("{}", failed.join("; "))
    }
}

/// The plans, in the order of their numbers.
fn plans(folder: &Path) -> Result<Vec<PathBuf>> {
    let folder = folder.join(PLANS);
    let mut plans: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("failed to list {}", folder.display()))?;
    plans.sort_by_key(|plan| number(plan));
    Ok(plans)
}

fn number(plan: &Path) -> Option<u64> {
    plan.file_name()?.to_str()?.parse().ok()
}

fn child(folder: &Path, plan: &Path, errors: &File) -> Result<Child> {
    let name = plan.file_name().context("a plan has a name")?;
    // A process of its own for each: a network namespace belongs to one.
    program("/proc/self/exe")
        .args([PLAY.as_ref(), plan, &folder.join(REPORTS).join(name)])
        .stdin(Stdio::null())
        .stderr(
            errors
                .try_clone()
                .context("failed to share the file of errors")?,
        )
        .spawn()
        .context("failed to start a plan's child")
}

fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", SEARCH_PATH);
    command
}
