//! The API over TCP: certificates, tokens, and files that change.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
};

use axum::{
    body::Body,
    http::{Request, header::AUTHORIZATION},
};
use dray_api::{ServeError, Server};
use dray_model::{Api, ApiCallers, ApiTcp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    socket::Daemon,
    support::{
        ask::{get, patch, with},
        director::Director,
        tls::{Authority, TlsClient},
    },
};

/// `printf %s swordfish | sha256sum`
const SWORDFISH: &str = "b9f195c5cc7ef6afadbfbc42892ad47d3b24c6bc94bb510c4564a90a14e8b799";

/// The files of an API over TCP.
pub(crate) struct Files {
    dir: tempfile::TempDir,
    authority: Authority,
    pub(crate) address: SocketAddr,
}

impl Files {
    pub(crate) fn new() -> Self {
        let files = Self {
            dir: tempfile::tempdir().expect("a directory"),
            authority: Authority::new("the authority"),
            address: free_address(),
        };
        let server = files.authority.server();
        server.write(&files.path("cert.pem"), &files.path("key.pem"));
        fs::write(files.path("clients.pem"), &files.authority.pem).expect("a place");
        fs::write(files.path("tokens"), format!("bob:{SWORDFISH}\n")).expect("a place");
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn options(&self, callers: ApiCallers) -> Api {
        Api {
            tcp: Some(ApiTcp {
                listen: self.address,
                certificate: self.path("cert.pem"),
                key: self.path("key.pem"),
                callers,
            }),
            ..Api::default()
        }
    }

    fn with_certificates(&self) -> Api {
        let authorities = self.path("clients.pem");
        self.options(ApiCallers::Certificates { authorities })
    }

    pub(crate) fn with_tokens(&self) -> Api {
        let file = self.path("tokens");
        self.options(ApiCallers::Tokens { file })
    }

    /// Somebody without a certificate.
    fn nobody(&self) -> TlsClient {
        TlsClient::new(self.address, &self.authority.pem, None)
    }
}

/// An address that nobody listens on.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

fn change() -> Request<Body> {
    patch("/v1/services/web", r#"{"scheduler": "rr"}"#)
}

fn bearing(token: &str, request: Request<Body>) -> Request<Body> {
    with(request, AUTHORIZATION, &format!("Bearer {token}"))
}

#[tokio::test]
async fn who_has_a_certificate_of_the_authority_may_do_all_and_nobody_else_anything() {
    let files = Files::new();
    let (daemon, _) = Daemon::start_with(&files.with_certificates(), Director::default());
    let ops = files.authority.client("ops");
    let ops = TlsClient::new(files.address, &files.authority.pem, Some(&ops));
    ops.call(get("/v1/status"))
        .await
        .expect("an answer")
        .success(200);
    ops.call(change()).await.expect("an answer").success(200);
    assert_eq!(daemon.director.calls()[0].0, "certificate ops");

    files
        .nobody()
        .call(get("/v1/status"))
        .await
        .expect_err("no certificate");
    let other = Authority::new("another").client("ops");
    let other = TlsClient::new(files.address, &files.authority.pem, Some(&other));
    other
        .call(get("/v1/status"))
        .await
        .expect_err("another authority's");
    let server = files.authority.server();
    let server = TlsClient::new(files.address, &files.authority.pem, Some(&server));
    server
        .call(get("/v1/status"))
        .await
        .expect_err("a server's certificate is no client's");
    daemon.end().await;
}

#[tokio::test]
async fn who_has_a_token_may_do_what_its_line_says() {
    let files = Files::new();
    let tokens = format!("bob:{SWORDFISH}\nann:{}:read\n", sha256("herring").await);
    fs::write(files.path("tokens"), tokens).expect("a place");
    let (daemon, _) = Daemon::start_with(&files.with_tokens(), Director::default());
    let client = files.nobody();
    let call = async |request| client.call(request).await.expect("an answer");
    call(get("/v1/status")).await.problem(401);
    call(bearing("shark", get("/v1/status"))).await.problem(401);
    call(bearing("herring", get("/v1/status")))
        .await
        .success(200);
    call(bearing("herring", change())).await.problem(403);
    call(bearing("swordfish", change())).await.success(200);
    let calls = daemon.director.calls();
    assert_eq!(calls, [("token bob".to_owned(), "edit".to_owned())]);
    daemon.end().await;
}

#[tokio::test]
async fn nothing_is_said_without_tls() {
    let files = Files::new();
    let (daemon, _) = Daemon::start_with(&files.with_tokens(), Director::default());
    let mut plain = TcpStream::connect(files.address).await.expect("it listens");
    let request =
        b"GET /v1/status HTTP/1.1\r\nhost: dray\r\nauthorization: Bearer swordfish\r\n\r\n";
    plain.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    // It may end by a reset too.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(
        !answer.starts_with(b"HTTP"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    daemon.end().await;
}

#[tokio::test]
async fn a_token_that_was_taken_away_is_none_at_once_and_a_broken_file_changes_nothing() {
    let files = Files::new();
    let (daemon, _) = Daemon::start_with(&files.with_tokens(), Director::default());
    let mut connection = files.nobody().connect().await.expect("a connection");
    let ask = || bearing("swordfish", get("/v1/drains"));
    connection
        .call(ask())
        .await
        .expect("an answer")
        .success(200);
    fs::write(files.path("tokens"), "this is no line of it").expect("a place");
    connection
        .call(ask())
        .await
        .expect("an answer")
        .success(200);
    fs::write(files.path("tokens"), "# nobody\n").expect("a place");
    connection
        .call(ask())
        .await
        .expect("an answer")
        .problem(401);
    daemon.end().await;
}

#[tokio::test]
async fn a_certificate_that_was_renewed_is_shown_from_then_on() {
    let files = Files::new();
    let (daemon, _) = Daemon::start_with(&files.with_tokens(), Director::default());
    let new = Authority::new("the new authority");
    let modern = TlsClient::new(files.address, &new.pem, None);
    modern.call(get("/v1/status")).await.expect_err("not yet");
    files
        .nobody()
        .call(get("/v1/status"))
        .await
        .expect("an answer")
        .problem(401);

    // Half of it is there: the daemon goes on with what it had.
    let server = new.server();
    fs::write(files.path("cert.pem"), &server.certificate).expect("a place");
    files
        .nobody()
        .call(get("/v1/status"))
        .await
        .expect("an answer")
        .problem(401);
    fs::write(files.path("key.pem"), &server.key).expect("a place");
    modern
        .call(get("/v1/status"))
        .await
        .expect("an answer")
        .problem(401);
    daemon.end().await;
}

#[tokio::test]
async fn the_door_follows_the_configuration() {
    let files = Files::new();
    let (mut daemon, _) = Daemon::start(Director::default());
    TcpStream::connect(files.address)
        .await
        .expect_err("nobody listens");
    daemon
        .server
        .configure(&files.with_tokens())
        .expect("opened");
    let client = files.nobody();
    let ask = || bearing("swordfish", get("/v1/drains"));
    let mut before = client.connect().await.expect("a connection");
    before.call(ask()).await.expect("an answer").success(200);

    // Tokens are nothing any more, on open connections too.
    daemon
        .server
        .configure(&files.with_certificates())
        .expect("changed");
    before.call(ask()).await.expect("an answer").problem(401);
    client.call(ask()).await.expect_err("no certificate");

    // What cannot be done leaves it as it is.
    fs::remove_file(files.path("tokens")).expect("it was there");
    let error = daemon.server.configure(&files.with_tokens());
    let error = error.expect_err("there are no tokens").to_string();
    assert!(error.contains("tokens"), "{error}");
    before.call(ask()).await.expect("an answer").problem(401);

    let mut elsewhere = files.with_certificates();
    elsewhere.tcp.as_mut().expect("TCP").listen = free_address();
    daemon.server.configure(&elsewhere).expect("moved");
    before.call(ask()).await.expect_err("that door is shut");
    daemon.server.configure(&Api::default()).expect("closed");
    TcpStream::connect(files.address)
        .await
        .expect_err("nobody listens");
    daemon.end().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let files = Files::new();
    let start = |options: &Api| -> Result<Server, ServeError> {
        let dir = tempfile::tempdir().expect("a directory");
        let runtime_dir = dray_api::RuntimeDir::claim(dir.path()).expect("it is free");
        Server::start(&runtime_dir, Director::default(), options)
    };
    let taken = TcpListener::bind(files.address).expect("it is free");
    let error = start(&files.with_tokens()).expect_err("it is taken");
    assert!(
        error.to_string().contains(&files.address.to_string()),
        "{error}"
    );
    drop(taken);
    for (name, text, callers) in [
        ("cert.pem", "", files.with_tokens()),
        ("key.pem", "no key", files.with_tokens()),
        ("clients.pem", "-----BEGIN", files.with_certificates()),
        ("tokens", "bob:1", files.with_tokens()),
    ] {
        let good = fs::read(files.path(name)).expect("it is there");
        fs::write(files.path(name), text).expect("a place");
        let error = start(&callers).expect_err(name).to_string();
        assert!(error.contains(name), "{error}");
        fs::write(files.path(name), good).expect("a place");
    }
    let other = files.authority.server();
    fs::write(files.path("key.pem"), &other.key).expect("a place");
    let error = start(&files.with_tokens())
        .expect_err("they do not fit")
        .to_string();
    assert!(
        error.contains("cert.pem") && error.contains("key.pem"),
        "{error}"
    );
}

/// As an operator would make it.
async fn sha256(token: &str) -> String {
    let output = tokio::process::Command::new("sh")
        .args(["-c", &format!("printf %s {token} | sha256sum")])
        .output()
        .await
        .expect("sh runs");
    let text = String::from_utf8(output.stdout).expect("hexadecimal digits");
    text.split(' ').next().expect("a hash").to_owned()
}
