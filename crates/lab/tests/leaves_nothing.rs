//! Whatever ends a lab, nothing of it stays in the system.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use dray_lab::{Lab, Offload, Topology, wait};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn namespaces_appear_and_vanish_with_the_lab() {
    let lab = Lab::up(Topology::two_arms(2).directors(2).named("vanish")).unwrap();
    lab.serve_http(80).unwrap();
    let id = id("vanish", std::process::id());
    assert_eq!(namespaces(&id).len(), 1 + 1 + 2 + 2);
    assert!(mounts().contains(&format!("/run/dray-lab/{id}/bpf")));
    drop(lab);
    assert_gone(&id);
}

#[test]
fn two_labs_of_one_name_do_not_meet() {
    let one = Lab::up(Topology::one_arm(1).named("twin")).unwrap();
    let other = Lab::up(Topology::one_arm(1).named("twin")).unwrap();
    assert_ne!(one.switch().name(), other.switch().name());
    one.serve_http(80).unwrap();
    other.serve_http(80).unwrap();
    drop(one);
    let address = (other.topology().real_server(0, dray_lab::Family::V4), 80).into();
    assert_eq!(other.client(0).http(address).run().unwrap().served(), 1);
}

#[test]
fn interfaces_compute_checksums_themselves_and_send_one_segment_a_frame() {
    let lab = Lab::up(Topology::one_arm(1).named("offload")).unwrap();
    let ends = [
        (lab.client(0).namespace(), "eth0"),
        (lab.real_server(0).namespace(), "eth0"),
        (lab.director(0).namespace(), "eth0"),
        (lab.switch(), "real1"),
    ];
    for (namespace, interface) in ends {
        for offload in Offload::ALL {
            assert!(
                !offload.is_on(namespace, interface).unwrap(),
                "{offload:?} of {interface} in {}",
                namespace.name()
            );
        }
    }
}

#[test]
fn a_signal_clears_the_lab_and_ends_the_process() {
    for (name, signal, code) in [
        ("interrupt", Signal::INT, 130),
        ("terminate", Signal::TERM, 143),
    ] {
        let mut holder = Holder::start(name);
        kill_process(Pid::from_child(&holder.0), signal).unwrap();
        assert_eq!(holder.0.wait().unwrap().code(), Some(code));
        assert_gone(&id(name, holder.0.id()));
    }
}

#[test]
fn what_a_killed_process_left_is_cleared_by_the_next_lab() {
    let mut holder = Holder::start("killed");
    let id = id("killed", holder.0.id());
    let servers = processes_with(&id);
    assert!(!servers.is_empty());
    // Keeps labs of other tests from starting, and so from clearing.
    let nobody_starts = fs::File::open("/run/dray-lab/lock").unwrap();
    nobody_starts.lock().unwrap();
    holder.0.kill().unwrap();
    holder.0.wait().unwrap();
    wait::until("the servers to be killed", || {
        Ok(processes_with(&id).is_empty().then_some(()))
    })
    .unwrap();
    assert!(!namespaces(&id).is_empty());
    drop(nobody_starts);
    drop(Lab::up(Topology::one_arm(0).named("next")).unwrap());
    assert_gone(&id);
}

/// Not a test of its own: the process that [`Holder`] starts.
#[test]
#[ignore = "holds a lab for the tests that kill it"]
fn hold() {
    let name = std::env::var(HOLD).expect("the lab's name is given");
    let lab = Lab::up(Topology::one_arm(1).named(&name)).unwrap();
    lab.serve_http(80).unwrap();
    eprintln!("{READY}");
    loop {
        std::thread::park();
    }
}

/// Another process with a lab. It is killed when dropped.
struct Holder(Child);

impl Holder {
    fn start(name: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "hold", "--ignored", "--nocapture"])
            .env(HOLD, name)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stderr.take().unwrap());
        let holder = Self(child);
        assert!(
            says.lines().any(|line| line.unwrap() == READY),
            "the lab {name} did not come up"
        );
        holder
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const HOLD: &str = "DRAY_TEST_HOLD";
const READY: &str = "the lab is up";

fn id(name: &str, process: u32) -> String {
    format!("{process}-{name}")
}

fn assert_gone(id: &str) {
    assert_eq!(namespaces(id), Vec::<String>::new());
    assert!(!mounts().contains(id));
    assert!(!fs::exists(format!("/run/dray-lab/{id}")).unwrap());
    wait::until("the servers to be gone", || {
        Ok(processes_with(id).is_empty().then_some(()))
    })
    .unwrap();
}

fn namespaces(id: &str) -> Vec<String> {
    let prefix = format!("dray-{id}-");
    fs::read_dir("/run/netns")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&prefix))
        .collect()
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mounts").unwrap()
}

/// Processes that have the lab's directory on their command line.
fn processes_with(id: &str) -> Vec<String> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("cmdline")).ok())
        .filter(|line| line.contains(&format!("/run/dray-lab/{id}/")))
        .collect()
}
