//! A real director whose API is called in thousands of ways, good and bad: no answer is a server error, none is one that is
//! not described, and the director is as good as before.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Output,
};

use dray_api::{Client, Precondition, RuntimeDir, v1::ApplyQuery, v1::EditsPolicy};
use dray_lab::Family;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    process::Command,
    runtime::Runtime,
};

use crate::site::{assert_served, lab_with_web, start, status, web};

#[path = "../../../api/tests/api/support/judge.rs"]
mod judge;

const CONFIGURATION: &str = "tests/e2e/judged.toml";

#[test]
fn whatever_is_asked_of_a_director_it_answers_as_it_is_described_and_forwards_afterwards() {
    let (lab, web_vip) = lab_with_web("judged", 2);
    let director = lab.director(0);
    let config = director.config().service(web(Family::V4, &[1, 1]));
    start(director, &config);
    let runtime = Runtime::new().unwrap();

    let judged = runtime.block_on(async {
        let client = Client::new(director.runtime_dir());
        let operator = tokio::spawn(keep_something_there(client, config.to_string()));
        let judged = judge(director.runtime_dir()).await;
        operator.abort();
        assert!(operator.await.unwrap_err().is_cancelled());
        judged
    });
    let said = [judged.stdout, judged.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(judged.status.success(), "{said}\n{}", director.log());
    assert!(!director.log().contains("panicked"), "{}", director.log());
    let changes = status(director).configuration.revision - 1;
    assert!(changes > 10, "of all calls only {changes} changed anything");

    // It has changed whatever it could.
    let client = Client::new(director.runtime_dir());
    runtime.block_on(put_back(&client, &config.to_string()));
    director.wait_until_eligible().unwrap();
    let load = lab.client(0).http(web_vip);
    assert_served(&load.requests(100).connections(50).run().unwrap());
}

/// What the judge says of the daemon of a runtime directory.
async fn judge(runtime_dir: &Path) -> Output {
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = door.local_addr().unwrap();
    let lets_in = tokio::spawn(let_in(door, RuntimeDir::socket(runtime_dir)));
    let output = Command::from(judge::judge(&format!("http://{address}"), CONFIGURATION, 1))
        // It would have nobody to ask any more.
        .args(["--exclude-path", "/v1/stop"])
        // It keeps examples where it is started.
        .current_dir(runtime_dir)
        .kill_on_drop(true)
        .output()
        .await
        .expect("python3 runs");
    lets_in.abort();
    output
}

/// Connects whoever comes to the daemon's socket. A door of the daemon's own is a setting, which the judge may change.
async fn let_in(door: TcpListener, socket: PathBuf) {
    while let Ok((mut caller, _)) = door.accept().await {
        let socket = socket.clone();
        tokio::spawn(async move {
            let mut daemon = UnixStream::connect(socket).await?;
            copy_bidirectional(&mut caller, &mut daemon).await
        });
    }
}

/// Puts the configuration back whenever its service is gone, so that there is something to be asked for.
async fn keep_something_there(client: Client, config: String) {
    let mut events = client.events().await.unwrap();
    while events.next().await.unwrap().is_some() {
        if client.service("web").await.is_err() {
            put_back(&client, &config).await;
        }
    }
}

async fn put_back(client: &Client, config: &str) {
    let query = ApplyQuery {
        edits: EditsPolicy::Drop,
        ..ApplyQuery::default()
    };
    let applied = client.apply(config.to_owned(), &query, &Precondition::None);
    applied.await.unwrap();
}
