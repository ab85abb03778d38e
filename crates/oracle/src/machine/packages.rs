//! The guest's programs, from Debian's packages: downloaded once, unpacked, never installed.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The kernel with its modules.
const KERNEL: &str = "user-mode-linux";

/// What scenarios run in the guest. The libraries that they need are found by apt.
const PROGRAMS: &[&str] = &["busybox-static", "ipvsadm", "iproute2", "iptables"];

/// Of busybox's many programs those that scenarios and the guest's init run.
const BUSYBOX: &[&str] = &[
    "sh", "cat", "sleep", "poweroff", "modprobe", "mkdir", "nc", "kill", "grep", "true",
];

/// What the guest has no use for.
const SUPERFLUOUS: &[&str] = &["usr/share", "usr/lib/x86_64-linux-gnu/gconv"];

/// The folder with `kernel/` and `root/`, made from packages if it is not there.
pub(super) fn unpacked(cache: &Path) -> Result<PathBuf> {
    let tree = cache.join("tree");
    if tree.exists() {
        return Ok(tree);
    }
    let archives = downloaded(&cache.join("packages"))?;
    let new = cache.join("tree.new");
    if new.exists() {
        fs::remove_dir_all(&new).context("failed to remove a half-made machine")?;
    }
    let root = new.join("root");
    for archive in &archives {
        let is_kernel = package_of(archive) == Some(KERNEL);
        let into = if is_kernel {
            new.join("kernel")
        } else {
            root.clone()
        };
        fs::create_dir_all(&into)
            .with_context(|| format!("failed to create {}", into.display()))?;
        run(Command::new("dpkg").arg("-x").arg(archive).arg(&into))?;
    }
    furnish(&root)?;
    // One step, so that a machine is there whole or not at all.
    fs::rename(&new, &tree).context("failed to put the machine in place")?;
    Ok(tree)
}

/// What packages do not bring: mount points, and the names by which programs are called.
fn furnish(root: &Path) -> Result<()> {
    for superfluous in SUPERFLUOUS {
        let path = root.join(superfluous);
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("failed to remove {}", path.display()))?;
        }
    }
    // Where Debian keeps everything below /usr, these are links.
    for folder in ["bin", "sbin", "lib", "lib64"] {
        if !root.join(folder).exists() {
            link(&format!("usr/{folder}"), &root.join(folder))?;
        }
    }
    for folder in ["proc", "sys", "dev", "run", "tmp", "guest", "lib/modules"] {
        let path = root.join(folder);
        fs::create_dir_all(&path)
            .with_context(|| format!("failed to create {}", path.display()))?;
    }
    for program in BUSYBOX {
        let path = root.join("bin").join(program);
        if !path.exists() {
            link("busybox", &path)?;
        }
    }
    // This kernel has no nf_tables for IPv4 and IPv6, so iptables is the older one.
    for program in ["iptables", "ip6tables"] {
        let path = root.join("usr/sbin").join(program);
        if !path.exists() {
            link("xtables-legacy-multi", &path)?;
        }
    }
    Ok(())
}

fn link(to: &str, at: &Path) -> Result<()> {
    symlink(to, at).with_context(|| format!("failed to link {}", at.display()))
}

/// The archives in `folder`, downloaded first if they are not all there.
fn downloaded(folder: &Path) -> Result<Vec<PathBuf>> {
    // Written last, so it says that all are there; and it notes the versions for people.
    let list = folder.join("list");
    if !list.exists() {
        download(folder)?;
        let names: Vec<String> = archives(folder)?
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect();
        fs::write(&list, names.join("\n") + "\n")
            .context("failed to write the list of packages")?;
    }
    archives(folder)
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut archives: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("failed to list {}", folder.display()))?;
    archives.retain(|path| path.extension() == Some(OsStr::new("deb")));
    archives.sort();
    Ok(archives)
}

/// The package that an archive `NAME_VERSION_ARCHITECTURE.deb` holds.
fn package_of(archive: &Path) -> Option<&str> {
    archive.file_name()?.to_str()?.split('_').next()
}

fn download(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let remedy = "the kernel that dray is compared with comes from Debian's packages; `cargo xtask setup` (or \
                  `apt-get update`) makes them known, and the first run downloads them, which takes a network";
    let packages = with_libraries().context(remedy)?;
    run(Command::new("apt-get")
        .args(["--quiet", "--quiet", "download", KERNEL])
        .args(&packages)
        .current_dir(folder))
    .map(drop)
    .context(remedy)
}

/// [`PROGRAMS`] and every library that they depend on, and nothing else of what they depend on.
fn with_libraries() -> Result<BTreeSet<String>> {
    let mut known: BTreeSet<String> = PROGRAMS.iter().map(|name| (*name).to_owned()).collect();
    let mut asked = BTreeSet::new();
    loop {
        let new: Vec<String> = known.difference(&asked).cloned().collect();
        if new.is_empty() {
            return Ok(known);
        }
        let answer = run(Command::new("apt-cache").arg("depends").args(&new))?;
        asked.extend(new);
        known.extend(libraries(&answer));
    }
}

/// The libraries among the packages that `apt-cache depends` names as needed.
fn libraries(answer: &str) -> impl Iterator<Item = String> {
    answer
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '|']).split_once("epends: "))
        .filter(|(kind, _)| ["D", "PreD"].contains(kind))
        .map(|(_, name)| name)
        .filter(|name| name.starts_with("lib") || name.starts_with("zlib"))
        .map(str::to_owned)
}

/// Runs a program and returns what it wrote.
fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {name}: install it"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({})\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{libraries, package_of};

    #[test]
    fn only_needed_libraries_are_taken() {
        let answer = "ipvsadm\n  Depends: libc6\n |Depends: debconf\n  Depends: <debconf-2.0>\n    cdebconf\n  \
                      PreDepends: zlib1g\n  Suggests: libreally-not\n  Depends: lsb-base\n";
        assert_eq!(libraries(answer).collect::<Vec<_>>(), ["libc6", "zlib1g"]);
    }

    #[test]
    fn an_archive_says_its_package() {
        assert_eq!(
            package_of(Path::new("/x/libc6_2.36-9+deb12u14_amd64.deb")),
            Some("libc6")
        );
    }
}
