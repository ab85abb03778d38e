//! Network namespaces that live as long as a test.

use std::{
    fs::{self, File},
    marker::PhantomData,
    os::fd::{AsFd, BorrowedFd},
    process,
};

use dray_net::Netlink;
use nix::sched::{CloneFlags, setns, unshare};

use crate::network;

/// A network namespace without a name: the kernel removes it with its last descriptor and socket, however
/// the test ends.
pub(crate) struct Namespace {
    file: File,
}

impl Namespace {
    /// A new namespace with nothing but a loopback interface, which is off.
    pub(crate) fn new() -> Self {
        let _home = Home::remember();
        unshare(CloneFlags::CLONE_NEWNET).expect("making a network namespace needs root");
        Self {
            file: own_namespace(),
        }
    }

    /// Does something as a thread of this namespace. Sockets and files that it opens stay in this namespace.
    pub(crate) fn within<T>(&self, act: impl FnOnce() -> T) -> T {
        let _home = Home::remember();
        setns(&self.file, CloneFlags::CLONE_NEWNET).expect("enter the namespace");
        act()
    }

    /// Runs something on a thread of this namespace with a runtime of its own.
    pub(crate) fn run<T: Send, F: Future<Output = T>>(&self, act: impl FnOnce() -> F + Send) -> T {
        let body = || {
            setns(&self.file, CloneFlags::CLONE_NEWNET).expect("enter the namespace");
            network::run(act())
        };
        std::thread::scope(|scope| scope.spawn(body).join().expect("no panic"))
    }

    /// A netlink handle on this namespace.
    pub(crate) fn netlink(&self) -> Netlink {
        self.within(|| Netlink::open().expect("open netlink"))
    }

    /// Gives a kernel setting of this namespace, named by its path below `/proc/sys/net`, a value.
    pub(crate) fn set(&self, setting: &str, value: u32) {
        let path = format!("/proc/sys/net/{setting}");
        self.within(|| fs::write(&path, value.to_string()))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Reads a kernel setting of this namespace.
    pub(crate) fn setting(&self, setting: &str) -> String {
        let path = format!("/proc/sys/net/{setting}");
        let text = self
            .within(|| fs::read_to_string(&path))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        text.trim().to_owned()
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Brings the thread back to the namespace it was in, also when a test panics. A thread of the harness that
/// stayed behind would run other tests in the wrong place, so that ends the process.
struct Home {
    file: File,
    stays_on_its_thread: PhantomData<*const ()>,
}

impl Home {
    fn remember() -> Self {
        Self {
            file: own_namespace(),
            stays_on_its_thread: PhantomData,
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(error) = setns(&self.file, CloneFlags::CLONE_NEWNET) {
            eprintln!("failed to return to the network namespace of the tests: {error}");
            process::abort();
        }
    }
}

fn own_namespace() -> File {
    File::open("/proc/thread-self/ns/net").expect("open the thread's network namespace")
}
