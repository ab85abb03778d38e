//! The machine's files, as the archive that the kernel unpacks into memory when it starts.
//!
//! The format is cpio's "newc" (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst): for each file
//! a header of hexadecimal numbers, its name and its bytes, both padded to four.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::process;

/// Files by their path from the root. The order of paths puts a folder before what is in it.
pub(super) struct Initramfs {
    entries: BTreeMap<PathBuf, Entry>,
}

enum Entry {
    Folder,
    File(Vec<u8>),
    /// A device that reads and writes characters, by its numbers.
    Characters(u32, u32),
}

impl Initramfs {
    /// One that has the console, through which the first process is heard.
    pub(super) fn new() -> Self {
        let mut files = Self {
            entries: BTreeMap::new(),
        };
        files.put(Path::new("/dev/console"), Entry::Characters(5, 1));
        files
    }

    /// Adds a program from this machine with the libraries that it is linked to; those keep their places.
    pub(super) fn program(&mut self, from: &Path, to: &str) -> Result<()> {
        self.copy(from, Path::new(to))?;
        let linked = process::output(process::program("ldd").arg(from))?;
        libraries(&linked).try_for_each(|library| self.copy(library, library))
    }

    /// Adds a file of this machine.
    pub(super) fn copy(&mut self, from: &Path, to: &Path) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("failed to read {}", from.display()))?;
        self.put(to, Entry::File(bytes));
        Ok(())
    }

    /// Adds a file.
    pub(super) fn file(&mut self, to: &str, bytes: Vec<u8>) {
        self.put(Path::new(to), Entry::File(bytes));
    }

    fn put(&mut self, path: &Path, entry: Entry) {
        let path = path.strip_prefix("/").unwrap_or(path);
        let above = path.ancestors().skip(1);
        for folder in above.filter(|folder| !folder.as_os_str().is_empty()) {
            self.entries
                .entry(folder.to_owned())
                .or_insert(Entry::Folder);
        }
        self.entries.insert(path.to_owned(), entry);
    }

    /// The archive.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        for (number, (path, entry)) in (1..).zip(&self.entries) {
            let (mode, device, bytes) = match entry {
                Entry::Folder => (0o040_755, (0, 0), &[][..]),
                Entry::File(bytes) => (0o100_755, (0, 0), &bytes[..]),
                Entry::Characters(major, minor) => (0o020_600, (*major, *minor), &[][..]),
            };
            append(
                &mut archive,
                number,
                &path.to_string_lossy(),
                mode,
                device,
                bytes,
            );
        }
        append(&mut archive, 0, "TRAILER!!!", 0, (0, 0), &[]);
        archive
    }
}

fn append(
    archive: &mut Vec<u8>,
    number: u32,
    name: &str,
    mode: u32,
    device: (u32, u32),
    bytes: &[u8],
) {
    let length = |of: usize| u32::try_from(of).expect("a file that fits into the machine's memory");
    let header = [
        number,
        mode,
        0, // owner
        0, // group
        1, // links
        0, // time
        length(bytes.len()),
        0, // the file's device
        0,
        device.0,
        device.1,
        length(name.len() + 1),
        0, // checksum, of another format
    ];
    archive.extend(b"070701");
    for field in header {
        archive.extend(format!("{field:08X}").bytes());
    }
    archive.extend(name.bytes());
    archive.push(0);
    pad(archive);
    archive.extend(bytes);
    pad(archive);
}

fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// The files among what ldd says: libraries and the loader, but not what the kernel itself provides.
fn libraries(linked: &str) -> impl Iterator<Item = &Path> {
    linked
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(Path::new)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Initramfs, libraries};

    #[test]
    fn an_archive_is_as_the_kernel_reads_it() {
        let mut files = Initramfs::new();
        files.file("/a/b", b"hello".to_vec());
        let header = |number: u32, mode: &str, size: u32, device: (u32, u32), name: u32| {
            let zero = "00000000";
            let (major, minor) = device;
            format!(
                "070701{number:08X}{mode}{zero}{zero}00000001{zero}{size:08X}{zero}{zero}{major:08X}{minor:08X}{name:08X}{zero}"
            )
        };
        let (folder, file, device, none) = ("000041ED", "000081ED", "00002180", "00000000");
        let expected = [
            header(1, folder, 0, (0, 0), 2) + "a\0",
            header(2, file, 5, (0, 0), 4) + "a/b\0\0\0" + "hello\0\0\0",
            header(3, folder, 0, (0, 0), 4) + "dev\0\0\0",
            header(4, device, 0, (5, 1), 12) + "dev/console\0\0\0",
            header(0, none, 0, (0, 0), 11) + "TRAILER!!!\0\0\0\0",
        ];
        assert_eq!(String::from_utf8(files.pack()), Ok(expected.concat()));
    }

    #[test]
    fn the_loader_is_taken_and_what_is_no_file_is_not() {
        let linked = "\tlinux-vdso.so.1 (0x00007f68)\n\tlibc.so.6 => /lib/libc.so.6 (0x00007f71)\n\t/lib64/ld-linux.so.2 (0x7f)\n";
        let expected = ["/lib/libc.so.6", "/lib64/ld-linux.so.2"].map(Path::new);
        assert_eq!(libraries(linked).collect::<Vec<_>>(), expected);
    }
}
