//! `ipvsadm`, as links to the built program by that name, against a whole daemon without the kernel.

use std::{
    env,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Output, Stdio},
};

use dray_model::{Live, Protocol, ServiceAddress};
use dray_testkit::patience;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

#[path = "daemon/site.rs"]
#[expect(dead_code, reason = "the daemon's own tests use the rest of it")]
mod site;

use site::Site;

const CONFIG: &str = r#"
[director]
interfaces = ["eth0"]
max_connections = 4096

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
scheduler = "wrr"
real = [{ address = "10.77.0.11", weight = 3 }, { address = "10.77.0.12", weight = 0 }]
"#;

/// Links to the program by the names of `ipvsadm`'s.
struct Tools {
    links: TempDir,
    runtime_dir: PathBuf,
}

impl Tools {
    fn of(site: &Site) -> Self {
        let links = tempfile::tempdir().expect("a directory");
        for name in ["ipvsadm", "ipvsadm-save", "ipvsadm-restore"] {
            symlink(env!("CARGO_BIN_EXE_dray"), links.path().join(name)).expect("a link");
        }
        Self {
            links,
            runtime_dir: site.runtime_dir(),
        }
    }

    /// Exit code, standard output and error of a line.
    async fn run(&self, line: &str, input: &str) -> (Option<i32>, String, String) {
        let mut words = line.split_whitespace();
        let program = words.next().expect("a program");
        let mut child = Command::new(self.links.path().join(program))
            .args(words)
            .env("DRAY_RUNTIME_DIR", &self.runtime_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().await.expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (status.code(), text(stdout), text(stderr))
    }

    /// Debian's `watch`, on a terminal of its own, showing a line anew ten times a second.
    fn watched(&self, line: &str) -> Terminal {
        let path = env::var("PATH").unwrap_or_default();
        let child = Command::new("script")
            .args(["--quiet", "--flush", "--return", "--command"])
            .arg(format!("watch --interval 0.1 {line}"))
            .arg("/dev/null")
            .env("PATH", format!("{}:{path}", self.links.path().display()))
            .env("DRAY_RUNTIME_DIR", &self.runtime_dir)
            // A terminal of such a size; the one of `script` has none when it is not started on one.
            .envs([("TERM", "xterm"), ("COLUMNS", "100"), ("LINES", "24")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("script starts");
        Terminal(child)
    }

    /// A line that does what it is to do, without a word.
    async fn does(&self, line: &str) {
        let answer = self.run(line, "").await;
        assert_eq!(answer, (Some(0), String::new(), String::new()), "{line}");
    }

    /// A line that prints something, and no error.
    async fn prints(&self, line: &str, expected: &str) {
        let answer = self.run(line, "").await;
        assert_eq!(
            answer,
            (Some(0), expected.to_owned(), String::new()),
            "{line}"
        );
    }

    /// A line that is refused.
    async fn refuses(&self, line: &str, status: i32, expected: &str) {
        let answer = self.run(line, "").await;
        let expected = format!("{expected}\n");
        assert_eq!(answer, (Some(status), String::new(), expected), "{line}");
    }
}

/// A terminal on which something runs.
struct Terminal(Child);

impl Terminal {
    /// Waits until this comes to be written on it.
    async fn shows(&mut self, text: &str) {
        let stdout = self.0.stdout.as_mut().expect("it is piped");
        let mut written = Vec::new();
        let waited = timeout(patience(), async {
            while !String::from_utf8_lossy(&written).contains(text) {
                let read = stdout.read_buf(&mut written).await.expect("it reads");
                assert!(read > 0, "it has ended");
            }
        });
        let waited = waited.await;
        let written = String::from_utf8_lossy(&written);
        waited.unwrap_or_else(|_| panic!("no {text} in {written}"));
    }
}

#[tokio::test]
async fn commands_edit_what_the_daemon_desires_and_listings_show_it() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let tools = Tools::of(&site);

    tools
        .does("ipvsadm -A -u 10.77.0.101:53 -s sh -b sh-port -p 60")
        .await;
    tools
        .does("ipvsadm -a -u 10.77.0.101:53 -r 10.77.0.13 -m -w 7 -x 9 -y 4")
        .await;
    tools
        .does("ipvsadm -a -t 10.77.0.100:80 -r 10.77.0.14")
        .await;
    tools
        .does("ipvsadm -e -t 10.77.0.100:80 -r 10.77.0.12 -w 5")
        .await;
    tools
        .does("ipvsadm -d -t 10.77.0.100:80 -r 10.77.0.11")
        .await;
    tools.does("ipvsadm --set 100 0 30").await;
    tools
        .prints(
            "ipvsadm -Ln",
            "IP Virtual Server version 1.2.1 (size=4096)\n\
             Prot LocalAddress:Port Scheduler Flags\n\
             \x20 -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n\
             TCP  10.77.0.100:80 wrr\n\
             \x20 -> 10.77.0.12:80                Route   5      0          0         \n\
             \x20 -> 10.77.0.14:80                Route   1      0          0         \n\
             UDP  10.77.0.101:53 sh (sh-port) persistent 60\n\
             \x20 -> 10.77.0.13:53                Masq    7      0          0         \n",
        )
        .await;
    tools
        .prints(
            "ipvsadm -Ln --thresholds -u 10.77.0.101:53",
            "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n\
             \x20 -> RemoteAddress:Port\n\
             UDP  10.77.0.101:53 sh (sh-port) persistent 60\n\
             \x20 -> 10.77.0.13:53                9          4          0          0         \n",
        )
        .await;
    tools
        .prints(
            "ipvsadm -L --timeout",
            "Timeout (tcp tcpfin udp): 100 120 30\n",
        )
        .await;
    tools.prints("ipvsadm -L --daemon", "").await;
    tools
        .prints(
            "ipvsadm -Lnc",
            "IPVS connection entries\n\
             pro expire state       source             virtual            destination\n",
        )
        .await;
    tools.does("ipvsadm -Z").await;
    tools.does("ipvsadm -Z -t 10.77.0.100:80").await;

    // The rest of the command line sees the same, by the name that the service got.
    let services = daemon.client.services().await.expect("services").value;
    let names: Vec<_> = services.services.iter().map(|it| &it.name).collect();
    assert_eq!(names, ["web", "udp-10.77.0.101-53"]);
    let said = site.dray(["ipvsadm"]).await;
    assert_eq!((said.err.as_str(), said.status.code()), ("", Some(0)));
    assert!(said.out.starts_with("IP Virtual Server"), "{}", said.out);
    daemon.kill().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_as_the_kernel_would_and_changes_nothing() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let tools = Tools::of(&site);
    let before = tools.run("ipvsadm -Sn", "").await;
    for (line, status, text) in [
        (
            "ipvsadm -A -t 10.77.0.100:80",
            255,
            "Service already exists",
        ),
        ("ipvsadm -D -t 10.77.0.100:81", 255, "No such service"),
        (
            "ipvsadm -A -t 10.77.0.100:81 -s nosuch",
            255,
            "Scheduler or persistence engine not found",
        ),
        (
            "ipvsadm -a -t 10.77.0.100:80 -r 10.77.0.11",
            255,
            "Destination already exists",
        ),
        (
            "ipvsadm -d -t 10.77.0.100:80 -r 10.77.0.19",
            255,
            "No such destination",
        ),
        (
            "ipvsadm -a -t 10.77.0.100:80 -r 10.77.0.19 -w 65536",
            255,
            "dray's weights end at 65535",
        ),
        (
            "ipvsadm -a -t 10.77.0.100:80 -r 10.77.0.100",
            255,
            "the real server `10.77.0.100` is a VIP of this director; write the real server's own address; the VIP it has too, on `lo`",
        ),
        (
            "ipvsadm --start-daemon master",
            255,
            "Protocol not available",
        ),
        (
            "ipvsadm -A",
            2,
            "You need to supply the 'service-address' option for the 'add-service' command",
        ),
    ] {
        tools.refuses(line, status, text).await;
    }
    let missing = tools.run("ipvsadm -Ln -t 10.77.0.100:81", "").await;
    assert_eq!(
        missing,
        (Some(1), String::new(), "No such service\n".to_owned())
    );
    assert_eq!(tools.run("ipvsadm -Sn", "").await, before);
    daemon.kill().await;
}

#[tokio::test]
async fn a_saved_table_is_restored() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let tools = Tools::of(&site);
    let (code, saved, err) = tools.run("ipvsadm-save -n", "").await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(
        saved,
        "-A -t 10.77.0.100:80 -s wrr\n\
         -a -t 10.77.0.100:80 -r 10.77.0.11:80 -g -w 3\n\
         -a -t 10.77.0.100:80 -r 10.77.0.12:80 -g -w 0\n"
    );
    tools.does("ipvsadm -C").await;
    tools.prints("ipvsadm -Sn", "").await;
    let dump = format!("# a comment\n{saved}-A -t 10.77.0.100:80\n");
    let restored = tools.run("ipvsadm-restore", &dump).await;
    let complaint = "Service already exists\n".to_owned();
    assert_eq!(restored, (Some(255), String::new(), complaint));
    tools.prints("ipvsadm-save -n", &saved).await;
    daemon.kill().await;
}

#[tokio::test]
async fn a_listing_that_is_watched_shows_what_counts_when_it_changes() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let web = ServiceAddress {
        protocol: Protocol::Tcp,
        vip: [10, 77, 0, 100].into(),
        port: 80,
    };
    let real = [10, 77, 0, 11].into();
    let destination = site.dataplane.destination(web, real).expect("it is there");
    let count = |active| {
        let live = Live {
            active,
            ..Live::default()
        };
        site.dataplane.set_live(destination, live);
    };
    let tools = Tools::of(&site);
    let mut terminal = tools.watched("ipvsadm -Ln");
    terminal.shows("TCP  10.77.0.100:80 wrr").await;
    count(4_321);
    terminal.shows("4321").await;
    count(87_650);
    terminal.shows("87650").await;
    daemon.kill().await;
}

#[tokio::test]
async fn without_a_daemon_it_says_so_and_help_needs_none() {
    let nowhere = tempfile::tempdir().expect("a directory");
    let tools = Tools {
        links: Tools::of(&Site::new(CONFIG)).links,
        runtime_dir: nowhere.path().join("run"),
    };
    let (code, out, err) = tools.run("ipvsadm -Ln", "").await;
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        err.starts_with("Can't initialize ipvs: no daemon answers at "),
        "{err}"
    );
    let (code, out, err) = tools.run("ipvsadm -v", "").await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("ipvsadm v1.31 2019/12/24"), "{out}");
}
