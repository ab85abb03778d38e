//! The daemon under a service manager: signals come in, sd_notify(3) goes out. It needs root, as the lab does.

use std::{
    fs::File,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command},
};

use dray_lab::{Director, Family, Lab, Topology, VirtualService};
use dray_testkit::patience;
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn the_service_manager_hears_of_start_reload_and_end() {
    let lab = Lab::up(Topology::one_arm(1).named("notify")).unwrap();
    let director = lab.director(0);
    let web = VirtualService::tcp("web", Family::V4, 80).weights(&[1]);
    let good = director.config().service(web).to_string();
    director.write_config(&good).unwrap();
    let manager = Manager::new();
    let log = manager.dir.path().join("log");
    let mut daemon = Daemon(manager.start(director, &log));

    assert_eq!(manager.hears(), "READY=1");

    daemon.signal(Signal::HUP);
    manager.hears_of_a_reload();
    let before = scheduler_in_force(director);
    director.write_config(good.replace("wrr", "wwr")).unwrap();
    daemon.signal(Signal::HUP);
    manager.hears_of_a_reload();
    assert_eq!(scheduler_in_force(director), before);

    daemon.signal(Signal::TERM);
    assert_eq!(manager.hears(), "STOPPING=1");
    assert!(daemon.0.wait().unwrap().success());
    let log = std::fs::read_to_string(&log).unwrap();
    for words in [
        "configuration reloaded",
        "did you mean `wrr`",
        "forwarding goes on without a daemon",
    ] {
        assert!(log.contains(words), "{words}:\n{log}");
    }
}

/// A service manager's end of the socket.
struct Manager {
    dir: tempfile::TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(patience())).unwrap();
        Self { dir, socket }
    }

    fn start(&self, director: &Director, log: &Path) -> Child {
        let mut command = Command::new("ip");
        command.args([
            "netns",
            "exec",
            director.namespace().name(),
            env!("CARGO_BIN_EXE_dray"),
            "run",
        ]);
        command.arg("--config").arg(director.config_file());
        command.arg("--runtime-dir").arg(director.runtime_dir());
        command.arg("--state-dir").arg(director.state_dir());
        command.arg("--bpffs").arg(director.bpffs());
        command.env("NOTIFY_SOCKET", self.dir.path().join("notify"));
        command.stderr(File::create(log).unwrap()).spawn().unwrap()
    }

    /// The next thing that the daemon says.
    fn hears(&self) -> String {
        let mut message = [0; 1024];
        let length = self.socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec())
            .unwrap()
            .trim()
            .to_owned()
    }

    /// Both messages, and the time that systemd asks for in the first.
    fn hears_of_a_reload(&self) {
        let reloading = self.hears();
        let (first, time) = reloading.split_once('\n').unwrap();
        assert_eq!(first, "RELOADING=1");
        assert!(
            time.strip_prefix("MONOTONIC_USEC=")
                .unwrap()
                .parse::<u64>()
                .is_ok(),
            "{time}"
        );
        assert_eq!(self.hears(), "READY=1");
    }
}

/// Killed at the end of the test, however it ends. `ip` has become the daemon, so its number is the daemon's.
struct Daemon(Child);

impl Daemon {
    fn signal(&mut self, signal: Signal) {
        assert!(self.0.try_wait().unwrap().is_none(), "the daemon has ended");
        let pid = Pid::from_raw(self.0.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended cannot be killed any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The scheduler of the service, by what the daemon says.
fn scheduler_in_force(director: &Director) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_dray"))
        .args(["status", "--json", "--runtime-dir"])
        .arg(director.runtime_dir())
        .output()
        .unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    status["services"][0]["scheduler"].clone()
}
