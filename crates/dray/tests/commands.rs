//! The command line against a whole daemon, without the kernel: what it does, says, and ends with.

#[path = "commands/drains.rs"]
mod drains;
#[path = "commands/edits.rs"]
mod edits;
#[path = "commands/files.rs"]
mod files;
#[path = "commands/plans.rs"]
mod plans;
#[path = "commands/reading.rs"]
mod reading;
#[path = "daemon/site.rs"]
#[expect(dead_code, reason = "the daemon's own tests use the rest of it")]
mod site;

use serde_json::Value;

use site::{Daemon, Said, Site};

const CONFIG: &str = r#"
[director]
interfaces = ["eth0"]

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
scheduler = "wrr"
real = [{ address = "10.77.0.11", weight = 3 }, { address = "10.77.0.12" }]

[[service]]
name = "tls"
address = "tcp://10.77.0.100:443"
scheduler = "mh"
real = [{ address = "10.77.0.11" }, { address = "10.77.0.12" }]
"#;

/// A daemon with [`CONFIG`], all of whose real servers can be reached.
struct Director {
    site: Site,
    daemon: Daemon,
}

impl Director {
    async fn start() -> Self {
        let site = Site::new(CONFIG);
        site.resolve([11, 12, 13, 14]);
        let daemon = site.start().await;
        Self { site, daemon }
    }

    /// Runs a command with the words of a line.
    async fn dray(&self, line: &str) -> Said {
        self.site.dray(line.split_whitespace()).await
    }

    /// Runs a command that does what it says, and gives its standard output.
    async fn ok(&self, line: &str) -> String {
        let said = self.dray(line).await;
        assert_eq!(said.status.code(), Some(0), "dray {line}: {}", said.err);
        said.out
    }

    /// The same for one that answers with JSON.
    async fn json(&self, line: &str) -> Value {
        let out = self.ok(line).await;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("dray {line}: {error}: {out}"))
    }

    /// Runs a command that fails, and gives its standard error.
    async fn fails(&self, line: &str) -> String {
        let said = self.dray(line).await;
        assert_eq!(said.status.code(), Some(1), "dray {line}: {}", said.out);
        assert_eq!(said.out, "", "dray {line}");
        said.err
    }

    /// A file beside the configuration.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.site.config().with_file_name(name);
        std::fs::write(&path, text).expect("writes");
        site::text(&path).to_owned()
    }

    async fn stop(self) {
        self.ok("stop").await;
        self.daemon.ended().await.expect("it ends well");
    }
}
