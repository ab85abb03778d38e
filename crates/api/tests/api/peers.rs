//! Who may do what over the Unix socket: real processes of other users, with the commands of the documentation.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
};

use dray_api::RuntimeDir;
use dray_model::{Api, ApiReaders};
use serde_json::Value;
use tokio::process::Command;

use crate::{socket::Daemon, support::director::Director};

/// A group that no other process of the tests is in.
const GROUP: u32 = 54_321;

/// What curl says: the HTTP status, and the body.
async fn curl(socket: &Path, user: &[&str], arguments: &[&str]) -> Option<(u16, Value)> {
    let output = Command::new("setpriv")
        .args(user)
        .args([
            "curl",
            "--silent",
            "--show-error",
            "--write-out",
            "\n%{http_code}",
            "--unix-socket",
        ])
        .arg(socket)
        .args(arguments)
        .output()
        .await
        .expect("setpriv and curl run");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (body, status) = text.rsplit_once('\n')?;
    // curl has 0 for a call that was not made.
    let status = status.parse().ok().filter(|status| *status != 0)?;
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

const ROOT: &[&str] = &["--reuid=0", "--regid=0", "--clear-groups"];
const MEMBER: &[&str] = &["--reuid=65534", "--regid=65534", "--groups=54321"];
const PRIMARY: &[&str] = &["--reuid=65534", "--regid=54321", "--clear-groups"];
const STRANGER: &[&str] = &["--reuid=65534", "--regid=65534", "--clear-groups"];

const READ: &[&str] = &["http://dray/v1/services/web"];
const WRITE: &[&str] = &[
    "--request",
    "PATCH",
    "--header",
    "Content-Type: application/json",
    "--data",
    r#"{"weight": 5}"#,
    "http://dray/v1/services/web/reals/10.77.0.11",
];

fn open(daemon: &Daemon) -> std::path::PathBuf {
    let directory = daemon.dir.path();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("ours");
    let socket = RuntimeDir::socket(directory);
    chown(&socket, None, Some(GROUP)).expect("we are root");
    socket
}

#[tokio::test]
async fn root_and_the_group_of_the_socket_may_read_and_write() {
    let (daemon, _) = Daemon::start(Director::default());
    let socket = open(&daemon);
    for user in [ROOT, MEMBER, PRIMARY] {
        let (status, body) = curl(&socket, user, READ).await.expect("an answer");
        assert_eq!(
            (status, &body["name"]),
            (200, &Value::from("web")),
            "{user:?}"
        );
        let (status, body) = curl(&socket, user, WRITE).await.expect("an answer");
        assert_eq!(
            (status, &body["weight"]),
            (200, &Value::from(5)),
            "{user:?}: {body}"
        );
    }
    let callers: Vec<_> = daemon
        .director
        .calls()
        .into_iter()
        .map(|(caller, _)| caller)
        .collect();
    assert!(callers[0].starts_with("uid 0 (pid "), "{callers:?}");
    assert!(callers[1].starts_with("uid 65534 (pid "), "{callers:?}");
    assert_eq!(
        curl(&socket, STRANGER, READ).await,
        None,
        "the socket's mode keeps others out"
    );
    daemon.end().await;
}

#[tokio::test]
async fn others_read_when_they_may_and_never_write() {
    let options = Api {
        readers: ApiReaders::All,
        tcp: None,
    };
    let (mut daemon, _) = Daemon::start_with(&options, Director::default());
    let socket = open(&daemon);
    let (status, _) = curl(&socket, STRANGER, READ).await.expect("an answer");
    assert_eq!(status, 200);
    let (status, problem) = curl(&socket, STRANGER, WRITE).await.expect("an answer");
    assert_eq!(status, 403, "{problem}");
    assert_eq!(daemon.director.calls(), []);

    daemon
        .server
        .configure(&Api::default())
        .expect("configured");
    assert_eq!(curl(&socket, STRANGER, READ).await, None);
    // The mode is not all that keeps them out.
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).expect("ours");
    let (status, problem) = curl(&socket, STRANGER, READ).await.expect("an answer");
    assert_eq!(status, 403);
    assert!(
        problem["detail"]
            .as_str()
            .expect("a detail")
            .contains("uid 65534"),
        "{problem}"
    );
    daemon.end().await;
}
