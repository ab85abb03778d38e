//! The sample configurations of Debian's package `keepalived` import, and dray accepts what comes of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use dray_import::keepalived::{self, Files, Name, Options};
use dray_model::config;

/// Where the package has them.
const SAMPLES: &str = "/usr/share/doc/keepalived/samples";

/// The files of this machine.
struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        fs::read(path).map_err(|error| error.to_string())
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn names(&self, directory: &Path) -> Result<Vec<Name>, String> {
        let entries = fs::read_dir(directory).map_err(|error| error.to_string())?;
        let names = entries.map(|entry| {
            let entry = entry.map_err(|error| error.to_string())?;
            Ok(Name {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_directory: entry.path().is_dir(),
            })
        });
        names.collect()
    }
}

/// The samples, in the order of their names.
fn samples() -> Vec<PathBuf> {
    let names = Disk.names(Path::new(SAMPLES));
    let names = names.expect("`cargo xtask setup` installs the package keepalived");
    let names = names.into_iter().map(|name| name.name);
    let mut samples: Vec<PathBuf> = names
        .filter(|name| name.starts_with("keepalived.conf."))
        .map(|name| Path::new(SAMPLES).join(name))
        .collect();
    samples.sort();
    samples
}

#[test]
fn every_sample_imports_and_dray_accepts_it() {
    let samples = samples();
    assert!(samples.len() >= 20, "the package has samples: {samples:?}");
    let config_ids = [None, Some("high"), Some("low")];
    for main in &samples {
        for config_id in config_ids {
            let options = Options { main, config_id };
            let imported = keepalived::import(&Disk, &options);
            let imported =
                imported.unwrap_or_else(|faults| panic!("{}:\n{faults}", main.display()));
            if let Err(diagnostics) = config::parse("imported", &imported.toml) {
                panic!("{}:\n{diagnostics}", main.display());
            }
            every_line_is_told_of(main, &imported.report);
        }
    }
}

/// Every line with anything but a comment and braces is in the report.
fn every_line_is_told_of(main: &Path, report: &dray_import::Report) {
    let text = fs::read_to_string(main).expect("it was imported");
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split(['#', '!']).next().unwrap_or_default();
        if text
            .chars()
            .all(|char| char.is_whitespace() || matches!(char, '{' | '}'))
        {
            continue;
        }
        let entries = report.entries.iter();
        let count = entries.filter(|entry| entry.line == line).count();
        assert_eq!(count, 1, "{}:{line}: {text}", main.display());
    }
}

#[test]
fn a_sample_reads_as_a_person_would_write_it() {
    for name in [
        "sample",
        "fwmark",
        "virtual_server_group",
        "conditional_conf",
    ] {
        let main = Path::new(SAMPLES).join(format!("keepalived.conf.{name}"));
        let options = Options {
            main: &main,
            config_id: Some("high"),
        };
        let imported = keepalived::import(&Disk, &options).expect("it imports");
        insta::assert_snapshot!(
            format!("sample_{name}"),
            format!("{}\n{}", imported.toml, imported.report)
        );
    }
}
