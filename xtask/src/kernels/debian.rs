//! The kernel, from Debian's package: downloaded and unpacked, not installed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::process;

/// The oldest kernel that the data plane is tested on.
pub(super) const SERIES: &str = "6.1";

/// Modules that the tests need and that need no others, below the package's `kernel` folder.
const MODULES: [&str; 1] = ["drivers/net/veth.ko"];

/// A kernel that can be booted.
pub(super) struct Kernel {
    /// Its release, such as `6.1.0-53-cloud-amd64`.
    pub(super) release: String,
    /// The folder that is the kernel's own.
    pub(super) folder: PathBuf,
    /// The image to boot.
    pub(super) image: PathBuf,
    /// Its modules; none needs another.
    pub(super) modules: Vec<PathBuf>,
}

/// The newest kernel of [`SERIES`] in `cache`; where there is none, the newest that apt has is put there.
pub(super) fn kernel(cache: &Path) -> Result<Kernel> {
    fs::create_dir_all(cache).with_context(|| format!("failed to create {}", cache.display()))?;
    if let Some(kernel) = newest(names_in(cache)?) {
        return unpacked(cache, &kernel);
    }
    let offered = process::output(process::program("apt-cache").args([
        "search",
        "--names-only",
        &format!("^{PACKAGE}{SERIES}\\.0-[0-9]+{FLAVOUR}$"),
    ]))?;
    let names = offered.lines().filter_map(|line| line.split(' ').next());
    let Some(package) = newest(names.map(str::to_owned)) else {
        bail!(
            "apt offers no kernel {SERIES}, which Debian 12 has: on one, try `apt-get update`; elsewhere, unpack such a \
             package by `dpkg-deb -x` into a folder of its name in {}",
            cache.display()
        );
    };
    download(cache, &package)?;
    unpacked(cache, &package)
}

const PACKAGE: &str = "linux-image-";
const FLAVOUR: &str = "-cloud-amd64";

/// The one with the highest number among packages `linux-image-6.1.0-NUMBER-cloud-amd64`.
fn newest(packages: impl IntoIterator<Item = String>) -> Option<String> {
    packages
        .into_iter()
        .filter_map(|package| Some((number(&package)?, package)))
        .max()
        .map(|(_, package)| package)
}

fn number(package: &str) -> Option<u32> {
    package
        .strip_prefix(PACKAGE)?
        .strip_prefix(SERIES)?
        .strip_prefix(".0-")?
        .strip_suffix(FLAVOUR)?
        .parse()
        .ok()
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect()
        })
        .with_context(|| format!("failed to list {}", folder.display()))
}

fn download(cache: &Path, package: &str) -> Result<()> {
    eprintln!("downloading {package} (Debian) into target/kernels: the kernel to test on");
    let new = cache.join("new");
    if new.exists() {
        fs::remove_dir_all(&new).context("failed to remove a half-made kernel")?;
    }
    fs::create_dir(&new).context("failed to create a folder for the kernel")?;
    process::output(
        process::program("apt-get")
            // Its own user may not write here.
            .args([
                "--quiet",
                "--quiet",
                "--option",
                "APT::Sandbox::User=root",
                "download",
                package,
            ])
            .current_dir(&new),
    )?;
    for archive in names_in(&new)? {
        let archive = new.join(archive);
        process::output(
            process::program("dpkg-deb")
                .arg("-x")
                .arg(&archive)
                .arg(&new),
        )?;
        fs::remove_file(&archive).context("failed to remove what was unpacked")?;
    }
    // One step, so that a kernel is there whole or not at all.
    fs::rename(&new, cache.join(package)).context("failed to put the kernel in place")
}

fn unpacked(cache: &Path, package: &str) -> Result<Kernel> {
    let folder = cache.join(package);
    let release = package.trim_start_matches(PACKAGE).to_owned();
    let modules = folder.join("lib/modules").join(&release).join("kernel");
    let kernel = Kernel {
        image: folder.join(format!("boot/vmlinuz-{release}")),
        modules: MODULES.map(|module| modules.join(module)).to_vec(),
        release,
        folder,
    };
    for file in kernel.modules.iter().chain([&kernel.image]) {
        if !file.exists() {
            bail!(
                "{} is missing; remove {} to have it downloaded again",
                file.display(),
                kernel.folder.display()
            );
        }
    }
    Ok(kernel)
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn the_highest_number_is_the_newest_and_other_kernels_are_none() {
        let names = [
            "linux-image-6.1.0-9-cloud-amd64",
            "linux-image-6.1.0-53-cloud-amd64",
            "linux-image-6.1.0-54-amd64",
            "linux-image-6.1.0-55-rt-amd64",
            "linux-image-6.12.0-60-cloud-amd64",
            "new",
        ];
        assert_eq!(
            newest(names.map(str::to_owned)).as_deref(),
            Some("linux-image-6.1.0-53-cloud-amd64")
        );
        assert_eq!(newest(["new".to_owned()]), None);
    }
}
