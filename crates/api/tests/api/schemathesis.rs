//! Thousands of calls, good and bad, over a real TLS connection: none is a server error, none has an answer that is not
//! described.

use tokio::process::Command;

use crate::{
    socket::Daemon,
    support::{director::Director, judge::judge},
    tcp::Files,
};

const CONFIGURATION: &str = "tests/api/support/schemathesis.toml";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_has_an_answer_that_is_not_described() {
    let files = Files::new();
    let (daemon, _) = Daemon::start_with(&files.with_tokens(), Director::default());
    let address = format!("https://{}", files.address);
    let mut judge = Command::from(judge(&address, CONFIGURATION, 1));
    judge
        .args(["--header", "Authorization: Bearer swordfish"])
        .arg("--tls-verify")
        .arg(files.path("clients.pem"));
    // Its own folder: it keeps examples where it is started.
    let output = judge
        .current_dir(daemon.dir.path())
        .kill_on_drop(true)
        .output();
    let output = output.await.expect("python3 runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let judged = daemon.director.judged();
    assert!(judged > 500, "of all edits only {judged} were looked at");
    assert!(!daemon.director.calls().is_empty(), "none was made");
    daemon.end().await;
}
