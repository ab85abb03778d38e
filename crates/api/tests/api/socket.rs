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
    CallError, ClaimError, Client, Precondition, RuntimeDir, Server,
    v1::{
        ApplyQuery, ConfirmQuery, ConnectionsQuery, Counters, DrainRequest, EndQuery, Limit,
        Neighbours, RollbackRequest, StopMode, Stopped, TemplatesQuery, ZeroQuery,
    },
};
use dray_model::{Api, document};
use dray_testkit::once_free;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    director::{CONFIGURATION, Director},
    samples,
};

#[tokio::test]
async fn the_client_reads_what_the_director_does() {
    let (daemon, client) = Daemon::start(Director::default());
    let status = client.status().await.expect("a status");
    assert_eq!(status.services, samples::status().services);
    assert_eq!(
        client.counters().await.expect("counters"),
        Counters::from(status.clone())
    );
    assert_eq!(
        client.neighbours().await.expect("neighbours"),
        Neighbours::from(&status)
    );
    assert_eq!(client.vips().await.expect("VIPs").vips.len(), 4);
    let query = ConnectionsQuery {
        client: Some("10.0.0.0/8".parse().expect("a prefix")),
        service: Some("web".to_owned()),
        limit: Limit::new(1).expect("a limit"),
        ..ConnectionsQuery::default()
    };
    let found = client.connections(&query).await.expect("connections");
    assert_eq!((found.connections.len(), found.more), (1, true));
    let all = TemplatesQuery::default();
    assert_eq!(
        client.templates(&all).await.expect("templates"),
        samples::templates()
    );
    let end = EndQuery {
        service: Some("six".to_owned()),
        templates: true,
        ..EndQuery::default()
    };
    assert_eq!(client.end_connections(&end).await.expect("ended").ended, 1);
    client.zero(&ZeroQuery::default()).await.expect("zeroed");
    assert_eq!(
        client.reload().await.expect("reloaded"),
        samples::reloaded()
    );
    let mode = StopMode::Withdraw;
    assert_eq!(client.stop(mode).await.expect("stopped"), Stopped { mode });
    daemon.end().await;
}

#[tokio::test]
async fn the_client_applies_confirms_and_goes_back() {
    let (daemon, client) = Daemon::start(Director::default());
    let before = client.configuration().await.expect("a configuration");
    let saved = client.configuration_text().await.expect("a text");
    assert_eq!(
        (&saved.tag, saved.value),
        (&before.tag, before.value.to_toml())
    );
    let seen = Precondition::OneOf(vec![saved.tag]);
    let query = ApplyQuery {
        plan: true,
        ..ApplyQuery::default()
    };
    let plan = client
        .apply(CONFIGURATION.to_owned(), &query, &seen)
        .await
        .expect("a plan");
    assert!(plan.plan.is_empty() && plan.applied.is_none());
    let query = ApplyQuery {
        confirm: Some("1m".parse().expect("a time")),
        file: Some("a & b".to_owned()),
        ..ApplyQuery::default()
    };
    let outcome = client
        .apply(CONFIGURATION.to_owned(), &query, &seen)
        .await
        .expect("applied");
    let applied = outcome.applied.expect("it is in force");
    assert_eq!(applied.pending.expect("it waits").seconds_left, 60);
    let query = ConfirmQuery {
        number: Some(applied.number),
    };
    assert_eq!(client.confirm(&query).await.expect("confirmed").number, 2);
    let history = client.history().await.expect("a history");
    assert_eq!(history.entries[0].file.as_deref(), Some("a & b"));
    assert_eq!(client.historic(1).await.expect("kept").text, CONFIGURATION);
    let back = client
        .rollback(&RollbackRequest::default())
        .await
        .expect("back");
    assert_eq!(back.applied.expect("in force").number, 3);
    let late = client
        .apply(CONFIGURATION.to_owned(), &ApplyQuery::default(), &seen)
        .await;
    assert!(matches!(late, Err(CallError::Refused(problem)) if problem.status == 412));
    daemon.end().await;
}

#[tokio::test]
async fn the_client_edits_every_part() {
    let (daemon, client) = Daemon::start(Director::default());
    let any = Precondition::None;
    let patch = json!({"timeouts": {"udp": "30s"}});
    let director = client.patch_director(&patch, &any).await.expect("patched");
    assert_eq!(client.director().await.expect("settings"), director);

    let shop = document::Service {
        name: "shop".to_owned(),
        address: Some("tcp://10.77.0.102:443".to_owned()),
        ..document::Service::default()
    };
    let added = client.add_service(&shop, &any).await.expect("added");
    assert_eq!(client.service("shop").await.expect("a service"), added);
    let put = client
        .put_service("shop", &shop, &Precondition::Exists)
        .await
        .expect("put");
    assert_eq!(put, added);
    let patch = json!({"scheduler": "rr"});
    let seen = Precondition::OneOf(vec![put.tag]);
    let patched = client
        .patch_service("shop", &patch, &seen)
        .await
        .expect("patched");
    assert_eq!(patched.value.scheduler.as_deref(), Some("rr"));

    let real = document::Real {
        address: "[2001:db8::7]:8443".to_owned(),
        ..document::Real::default()
    };
    let added = client.add_real("six", &real, &any).await.expect("added");
    assert_eq!(
        client
            .real("six", &real.address)
            .await
            .expect("a real server"),
        added
    );
    let put = client
        .put_real("six", &real.address, &real, &Precondition::Exists)
        .await;
    assert_eq!(put.expect("put"), added);
    let again = client
        .put_real("six", &real.address, &real, &Precondition::Absent)
        .await;
    assert!(matches!(again, Err(CallError::Refused(problem)) if problem.status == 412));
    let patch = json!({"weight": 0});
    let patched = client
        .patch_real("six", &real.address, &patch, &any)
        .await
        .expect("patched");
    assert_eq!(patched.value.weight, Some(0));
    assert_eq!(
        client.reals("six").await.expect("a list").value.reals.len(),
        2
    );

    let request = DrainRequest {
        real: "10.77.0.11".to_owned(),
        service: None,
        deadline: "5m".parse().expect("a time"),
        then: Default::default(),
    };
    let drain = client.start_drain(&request).await.expect("started");
    assert_eq!(
        client.drains().await.expect("drains").drains,
        std::slice::from_ref(&drain)
    );
    assert_eq!(client.drain(drain.id).await.expect("a drain"), drain);
    assert_eq!(
        client.cancel_drain(drain.id).await.expect("called off"),
        drain
    );

    client
        .remove_real("six", &real.address, &any)
        .await
        .expect("removed");
    client.remove_service("shop", &any).await.expect("removed");
    assert_eq!(
        client
            .services()
            .await
            .expect("services")
            .value
            .services
            .len(),
        3
    );
    client.clear(&any).await.expect("cleared");
    let missing = client.service("web").await.expect_err("it is gone");
    assert!(matches!(missing, CallError::Refused(problem) if problem.status == 404));
    daemon.end().await;
}

#[tokio::test]
async fn calls_share_a_connection_and_outlive_the_daemons_patience_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let listener =
        tokio::net::UnixListener::bind(RuntimeDir::socket(dir.path())).expect("a socket");
    let client = Client::new(dir.path());
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"drains\":[]}";
    let daemon = async {
        let mut requests = Vec::new();
        // Two connections: the first has two calls and is closed then, as one that nobody uses.
        for calls in [2, 1] {
            let (mut stream, _) = listener.accept().await.expect("a call");
            for _ in 0..calls {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.expect("a request");
                requests.push(length > 0);
                stream.write_all(answer).await.expect("it listens");
            }
        }
        requests
    };
    let calls = async {
        for _ in 0..3 {
            client.drains().await.expect("an answer");
        }
    };
    let (requests, ()) = tokio::join!(daemon, calls);
    assert_eq!(requests, [true; 3]);
}

#[tokio::test]
async fn a_refusal_reaches_the_caller_whole() {
    let (daemon, client) = Daemon::start(Director::with_a_broken_file());
    match client.reload().await {
        Err(CallError::Refused(problem)) => assert_eq!(problem, samples::bad_config()),
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

    let (daemon, client) = Daemon::start_in(dir, &Api::default(), Director::default());
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
    let again = once_free(
        || RuntimeDir::claim(&path),
        |error| matches!(error, ClaimError::Taken { .. }),
    );
    again.expect("it is free again");
}

/// A served director.
pub(crate) struct Daemon {
    pub(crate) director: Director,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) server: Server,
    _owned: RuntimeDir,
}

impl Daemon {
    pub(crate) fn start(director: Director) -> (Self, Client) {
        Self::start_with(&Api::default(), director)
    }

    pub(crate) fn start_with(options: &Api, director: Director) -> (Self, Client) {
        let dir = tempfile::tempdir().expect("a directory");
        Self::start_in(dir, options, director)
    }

    fn start_in(dir: tempfile::TempDir, options: &Api, director: Director) -> (Self, Client) {
        let client = Client::new(dir.path());
        let runtime_dir = RuntimeDir::claim(dir.path()).expect("it is free");
        let server = Server::start(&runtime_dir, director.clone(), options).expect("it serves");
        let daemon = Self {
            director,
            dir,
            server,
            _owned: runtime_dir,
        };
        (daemon, client)
    }

    pub(crate) async fn end(self) -> tempfile::TempDir {
        self.server.end().await;
        self.dir
    }
}
