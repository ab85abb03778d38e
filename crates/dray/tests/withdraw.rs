//! `dray stop --withdraw` after the daemon was killed: nothing of the director stays in the kernel. It needs
//! root, as the lab does.

use std::process::{Command, Output};

use dray_lab::{Director, Family, Lab, Topology, VirtualService};

#[test]
fn a_director_without_a_daemon_is_cleared_up_from_its_own_network_namespace() {
    let lab = Lab::up(Topology::one_arm(1).named("withdraw")).unwrap();
    let director = lab.director(0);
    let web = VirtualService::tcp("web", Family::V4, 80).weights(&[1]);
    director
        .start(dray().as_ref(), director.config().service(web))
        .unwrap();
    director.wait_until_eligible().unwrap();
    let vip = lab.topology().vip(0, Family::V4).to_string();
    director.kill().unwrap();
    assert!(
        addresses(director).contains(&vip),
        "the VIP outlives the daemon"
    );

    let elsewhere = withdraw(Command::new(dray()), director);
    let said = stderr(&elsewhere);
    assert_eq!(elsewhere.status.code(), Some(1), "{said}");
    assert!(said.contains("another network namespace"), "{said}");
    assert!(
        addresses(director).contains(&vip),
        "the VIPs of other namespaces are not touched"
    );

    let here = withdraw(inside(director), director);
    assert!(here.status.success(), "{}", stderr(&here));
    assert!(
        stdout(&here).contains(&format!("{vip} removed from eth0")),
        "{}",
        stdout(&here)
    );
    assert!(!addresses(director).contains(&vip));
    assert_eq!(
        std::fs::read_dir(director.bpffs()).unwrap().count(),
        0,
        "something is pinned still"
    );

    let again = withdraw(inside(director), director);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(stdout(&again), "nothing was forwarded\n");
}

#[test]
fn a_data_plane_that_is_pinned_elsewhere_is_not_left_behind() {
    let lab = Lab::up(Topology::one_arm(1).named("elsewhere")).unwrap();
    let director = lab.director(0);
    let web = VirtualService::tcp("web", Family::V4, 80).weights(&[1]);
    director
        .start(dray().as_ref(), director.config().service(web))
        .unwrap();
    director.kill().unwrap();

    let mut command = inside(director);
    command
        .arg("run")
        .arg("--config")
        .arg(director.config_file());
    command.arg("--runtime-dir").arg(director.runtime_dir());
    command.arg("--state-dir").arg(director.state_dir());
    command
        .arg("--bpffs")
        .arg(director.bpffs().with_file_name("other"));
    let refused = command.output().unwrap();
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("--bpffs {}", director.bpffs().display())),
        "{said}"
    );
    director.restart(dray().as_ref()).unwrap();
}

fn dray() -> &'static str {
    env!("CARGO_BIN_EXE_dray")
}

/// The command line in the director's network namespace.
fn inside(director: &Director) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", director.namespace().name(), dray()]);
    command
}

fn withdraw(mut command: Command, director: &Director) -> Output {
    command
        .args(["stop", "--withdraw", "--runtime-dir"])
        .arg(director.runtime_dir())
        .output()
        .unwrap()
}

/// What `ip address` says of the director's interface.
fn addresses(director: &Director) -> String {
    let mut command = Command::new("ip");
    command.args(["-oneline", "address", "show", "dev", "eth0"]);
    stdout(&director.namespace().output(command).unwrap())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
