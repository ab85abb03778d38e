//! Commands that write files: save, import, completions and manual pages.

use std::{fs, path::Path, process::Command};

use crate::Director;

#[tokio::test]
async fn what_is_saved_is_a_file_with_the_edits_that_changes_nothing() {
    let director = Director::start().await;
    director
        .ok("real edit 10.77.0.12 --service web --weight 9 --upper-threshold 100")
        .await;
    let saved = director.site.config().with_file_name("saved.toml");
    let path = crate::site::text(&saved);
    assert_eq!(director.ok(&format!("save {path}")).await, "");
    let text = fs::read_to_string(&saved).expect("a file");
    assert!(
        text.contains("weight = 9") && text.contains("upper_threshold = 100"),
        "{text}"
    );
    assert_eq!(director.ok("save").await, text);
    let said = director.fails(&format!("save {path}")).await;
    assert!(said.contains("--force"), "{said}");
    director.ok(&format!("save {path} --force")).await;
    let out = director.ok(&format!("apply {path} --edits drop")).await;
    assert!(!out.contains("~ service"), "{out}");
    let document = director.json("save --json").await;
    assert_eq!(document["service"][0]["real"][1]["weight"], 9);
    director.stop().await;
}

#[test]
fn a_dump_of_ipvsadm_becomes_a_file_that_check_accepts() {
    let dir = tempfile::tempdir().expect("a directory");
    let dump = dir.path().join("dump");
    fs::write(
        &dump,
        "-A -t 10.77.0.100:80 -s wrr\n-a -t 10.77.0.100:80 -r 10.77.0.11:80 -g -w 3\n-Z\n",
    )
    .expect("writes");
    let out = dir.path().join("dray.toml");
    let import = dray([
        "import",
        "ipvsadm",
        text(&dump),
        "-o",
        text(&out),
        "--report",
        "json",
    ]);
    let report: serde_json::Value = serde_json::from_str(&import).expect("JSON");
    assert_eq!(report["entries"][0]["verdict"], "translated");
    let checked = dray(["check", text(&out)]);
    assert!(
        checked.contains("1 services, 1 real servers: ok"),
        "{checked}"
    );
}

#[test]
fn a_configuration_of_keepalived_becomes_a_file_that_check_accepts() {
    let dir = tempfile::tempdir().expect("a directory");
    let conf = dir.path().join("keepalived.conf");
    fs::write(&conf, "include parts/*.conf\n").expect("writes");
    fs::create_dir(dir.path().join("parts")).expect("a directory");
    fs::write(
        dir.path().join("parts/web.conf"),
        "virtual_server 10.77.0.100 80 {\n lb_algo wrr\n lb_kind DR\n protocol TCP\n real_server 10.77.0.11 80 {\n  weight 3\n }\n}\n",
    )
    .expect("writes");
    let toml = dray(["import", "keepalived", text(&conf)]);
    assert!(toml.contains("tcp://10.77.0.100:80"), "{toml}");
    let out = dir.path().join("dray.toml");
    fs::write(&out, toml).expect("writes");
    let checked = dray(["check", text(&out)]);
    assert!(
        checked.contains("1 services, 1 real servers: ok"),
        "{checked}"
    );
}

#[test]
fn shells_and_manuals_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = dray(["completions", shell]);
        for word in ["rollback", "quiesce", "upper-threshold"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let pages = dir.path().join("man1");
    dray(["man", text(&pages)]);
    for page in [
        "dray.1",
        "dray-plan.1",
        "dray-real-quiesce.1",
        "dray-drain-cancel.1",
    ] {
        let page = fs::read_to_string(pages.join(page)).expect(page);
        assert!(page.contains(".SH NAME"), "{page}");
    }
}

/// Runs a command that needs no daemon and does what it says; its standard output.
fn dray<const N: usize>(arguments: [&str; N]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dray"));
    let output = command.args(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
