//! The built binary, without a daemon: what it says, where it says it, and how it ends.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

#[test]
fn a_good_file_is_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("good.toml");
    fs::write(&file, GOOD).expect("writes");
    let output = dray(["check", text(&file)]);
    assert_eq!(stderr(&output), "");
    assert_eq!(
        stdout(&output),
        format!("{}: 2 services, 3 real servers: ok\n", file.display())
    );
    assert!(output.status.success());
}

#[test]
fn every_broken_file_is_refused_with_line_column_and_cure() {
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/broken");
    let files: Vec<_> = fs::read_dir(&broken)
        .expect("the broken files of the data model")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    assert!(files.len() >= 25, "only {} broken files", files.len());
    for file in files {
        let output = dray(["check", text(&file)]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{}:\n{said}", file.display());
        assert_eq!(stdout(&output), "", "{}", file.display());
        assert!(
            names_a_place(&said, &file),
            "{}: no line and column:\n{said}",
            file.display()
        );
        assert!(
            said.contains("help: "),
            "{}: no cure:\n{said}",
            file.display()
        );
    }
}

#[test]
fn a_daemon_with_a_broken_file_says_the_same_as_check_and_touches_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("broken.toml");
    fs::write(&file, GOOD.replace("scheduler", "sheduler")).expect("writes");
    let runtime_dir = dir.path().join("run");
    let check = dray(["check", text(&file)]);
    let run = dray([
        "run",
        "--config",
        text(&file),
        "--runtime-dir",
        text(&runtime_dir),
    ]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(stderr(&run), stderr(&check));
    assert!(stderr(&run).contains("scheduler"), "{}", stderr(&run));
    assert!(!runtime_dir.exists());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = dray(["check", "/nonexistent/dray.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("/nonexistent/dray.toml"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn without_a_daemon_every_call_says_where_it_looked_and_whether_packets_are_forwarded() {
    let dir = tempfile::tempdir().expect("a directory");
    let bpffs = dir.path().join("bpf");
    let ledger = format!(
        r#"{{"format":"dray ledger 1","bpffs":"{}","network_namespace":1,"vips":[]}}"#,
        bpffs.display()
    );
    fs::write(dir.path().join("ledger.json"), ledger).expect("writes");
    for verb in [
        &["status"][..],
        &["connections"],
        &["reload"],
        &["stop"],
        &["stop", "--keep-forwarding"],
    ] {
        let output = dray(
            verb.iter()
                .copied()
                .chain(["--runtime-dir", text(dir.path())]),
        );
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{verb:?}");
        assert_eq!(stdout(&output), "", "{verb:?}");
        let socket = dir.path().join("control.sock");
        assert!(
            said.contains(&format!("no daemon answers at {}", socket.display())),
            "{verb:?}: {said}"
        );
        assert!(said.contains("nothing is forwarded"), "{verb:?}: {said}");
    }
    fs::create_dir_all(bpffs.join("v1")).expect("a directory");
    fs::write(bpffs.join("v1/settings"), "").expect("writes");
    let output = dray(["status", "--json", "--runtime-dir", text(dir.path())]);
    assert!(
        stderr(&output).contains("forwarding goes on without it"),
        "{}",
        stderr(&output)
    );
    assert_eq!(stdout(&output), "");
}

#[test]
fn flags_that_make_no_sense_are_refused_with_a_reason() {
    let cases: &[(&[&str], &str)] = &[
        (&["connections", "--client", "10.0.0"], "10.0.0.0/8"),
        (&["connections", "--real", "web"], "invalid IP address"),
        (&["connections", "--state", "OPEN"], "ESTABLISHED"),
        (&["connections", "--limit", "0"], "1 to 100000"),
        (
            &["connections", "--templates", "--service", "web"],
            "cannot be used with",
        ),
        (
            &["stop", "--keep-forwarding", "--withdraw"],
            "cannot be used with",
        ),
        (&["stop", "--bpffs", "/x"], "--withdraw"),
        (&["run"], "--config"),
        (&["run", "--config", "x", "--log-format", "xml"], "json"),
        (&["dance"], "dance"),
        (&["check"], "<FILE>"),
    ];
    for (flags, words) in cases {
        let output = dray(flags.iter().copied());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {said}");
        assert!(said.contains(words), "{flags:?}: {said}");
        assert_eq!(stdout(&output), "", "{flags:?}");
    }
}

#[test]
fn without_the_capabilities_the_daemon_says_which_it_needs_and_makes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("good.toml");
    fs::write(&file, GOOD).expect("writes");
    let runtime_dir = dir.path().join("run");
    let run = [
        "run",
        "--config",
        text(&file),
        "--runtime-dir",
        text(&runtime_dir),
    ];
    let stop = [
        "stop",
        "--withdraw",
        "--bpffs",
        "/x",
        "--runtime-dir",
        text(&runtime_dir),
    ];
    for arguments in [&run[..], &stop] {
        // Only root has any to give up.
        let output = Command::new("setpriv")
            .args([
                "--bounding-set=-all",
                "--inh-caps=-all",
                env!("CARGO_BIN_EXE_dray"),
            ])
            .args(arguments)
            .output()
            .expect("setpriv of util-linux");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON"),
            "{said}"
        );
        assert!(!runtime_dir.exists());
    }
}

#[test]
fn the_version_names_the_layouts_that_it_can_adopt() {
    let output = dray(["--version"]);
    let wanted = format!(
        "dray {} (ABI {})\n",
        env!("CARGO_PKG_VERSION"),
        dray_abi::ABI_VERSION
    );
    assert_eq!(stdout(&output), wanted);
}

const GOOD: &str = r#"
[director]
interfaces = ["eth0"]
max_connections = 65_536

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
scheduler = "wrr"
forward = "dr"
real = [{ address = "10.77.0.11", weight = 3 }, { address = "10.77.0.12" }]

[[service]]
name = "dns"
address = "udp://[2001:db8::100]:53"
scheduler = "mh"
forward = "dr"
  [[service.real]]
  address = "2001:db8::11"
"#;

fn dray<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dray"))
        .args(arguments)
        .env_remove("DRAY_LOG")
        .output()
        .expect("it runs")
}

/// `FILE:LINE:COLUMN` somewhere in the text.
fn names_a_place(said: &str, file: &Path) -> bool {
    let numbers = |rest: &str| {
        let place: String = rest
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == ':')
            .collect();
        let parts: Vec<_> = place
            .trim_end_matches(':')
            .split(':')
            .map(str::parse::<u32>)
            .collect();
        matches!(parts[..], [Ok(1..), Ok(1..)])
    };
    said.split(&format!("{}:", file.display()))
        .skip(1)
        .any(numbers)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
