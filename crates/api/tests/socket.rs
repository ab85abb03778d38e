//! The client against a daemon's real Unix socket, and who may own a runtime directory.

use std::{
    fs,
    io::ErrorKind,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

use dray_api::{
    CallError, ClaimError, Client, RuntimeDir, router, serve,
    v1::{ConnectionsQuery, Limit, StopMode, Stopped, TemplatesQuery},
};
use tokio::{sync::oneshot, task::JoinHandle};

#[path = "support/director.rs"]
mod director;

use director::{Call, Director};

#[tokio::test]
async fn the_client_reads_back_what_the_daemon_says() {
    let (daemon, client) = Daemon::start(Director::default());
    assert_eq!(client.status().await.expect("a status"), director::status());
    let query = ConnectionsQuery {
        client: Some("2001:db8::/32".parse().expect("a prefix")),
        service: Some("a & b = c".to_owned()),
        limit: Limit::new(3).expect("a limit"),
        ..ConnectionsQuery::default()
    };
    assert_eq!(
        client.connections(&query).await.expect("connections"),
        director::connections()
    );
    let all = TemplatesQuery::default();
    assert_eq!(
        client.templates(&all).await.expect("templates"),
        director::templates()
    );
    assert_eq!(
        client.reload().await.expect("reloaded"),
        director::reloaded()
    );
    let stopped = client.stop(StopMode::Withdraw).await.expect("stopped");
    assert_eq!(
        stopped,
        Stopped {
            mode: StopMode::Withdraw
        }
    );
    assert_eq!(
        daemon.director.calls(),
        [
            Call::Connections(query),
            Call::Templates(all),
            Call::Stop(StopMode::Withdraw)
        ]
    );
    daemon.end().await;
}

#[tokio::test]
async fn a_refusal_reaches_the_caller_whole() {
    let (daemon, client) = Daemon::start(Director::with_a_broken_config());
    match client.reload().await {
        Err(CallError::Refused(problem)) => assert_eq!(problem, director::bad_config()),
        other => panic!("expected a refusal, got {other:?}"),
    }
    daemon.end().await;
}

#[tokio::test]
async fn only_owner_and_group_may_use_the_socket_and_it_goes_with_the_daemon() {
    let (daemon, client) = Daemon::start(Director::default());
    let socket = RuntimeDir::socket(daemon.dir.path());
    let mode = fs::metadata(&socket)
        .expect("a socket")
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o660);
    let dir = daemon.end().await;
    assert!(!socket.exists());
    assert!(
        matches!(client.status().await, Err(CallError::NoDaemon { socket: at }) if at == socket)
    );
    drop(dir);
}

#[tokio::test]
async fn a_directory_that_is_not_there_has_no_daemon() {
    let client = Client::new(Path::new("/nonexistent/dray"));
    let error = client.status().await.expect_err("nobody is there");
    assert_eq!(
        error.to_string(),
        "no daemon answers at /nonexistent/dray/control.sock"
    );
}

#[tokio::test]
async fn the_socket_of_a_dead_daemon_is_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = RuntimeDir::socket(dir.path());
    drop(UnixListener::bind(&socket).expect("a socket"));
    let refused = UnixStream::connect(&socket).expect_err("nobody accepts");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let client = Client::new(dir.path());
    assert!(matches!(
        client.status().await,
        Err(CallError::NoDaemon { .. })
    ));

    let (daemon, client) = Daemon::start_in(dir, Director::default());
    client.status().await.expect("the new daemon answers");
    daemon.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_is_stuck_does_not_hold_its_callers_for_ever() {
    let dir = tempfile::tempdir().expect("a directory");
    let _stuck = UnixListener::bind(RuntimeDir::socket(dir.path())).expect("a socket");
    let error = Client::new(dir.path())
        .status()
        .await
        .expect_err("nobody answers");
    assert!(matches!(error, CallError::Silent { .. }), "{error:?}");
}

#[test]
fn a_runtime_directory_has_one_owner_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("deep/run");
    let first = RuntimeDir::claim(&path).expect("it is free");
    match RuntimeDir::claim(&path) {
        Err(error @ ClaimError::Taken { pid, .. }) => {
            assert_eq!(pid, Some(std::process::id()));
            assert!(error.to_string().contains("--runtime-dir"), "{error}");
        }
        other => panic!("expected it to be taken, got {other:?}"),
    }
    drop(first);
    RuntimeDir::claim(&path).expect("it is free again");
}

struct Daemon {
    director: Director,
    dir: tempfile::TempDir,
    end: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Daemon {
    fn start(director: Director) -> (Self, Client) {
        Self::start_in(tempfile::tempdir().expect("a directory"), director)
    }

    fn start_in(dir: tempfile::TempDir, director: Director) -> (Self, Client) {
        let client = Client::new(dir.path());
        let runtime_dir = RuntimeDir::claim(dir.path()).expect("it is free");
        let listener = runtime_dir.listen().expect("a socket");
        let (end, ended) = oneshot::channel();
        let router = router(director.clone());
        let task = tokio::spawn(async move {
            let _owned = runtime_dir;
            serve(listener, router, async move { drop(ended.await) }).await
        });
        (
            Self {
                director,
                dir,
                end,
                task,
            },
            client,
        )
    }

    async fn end(self) -> tempfile::TempDir {
        self.end.send(()).expect("it serves");
        self.task.await.expect("no panic").expect("no error");
        self.dir
    }
}
