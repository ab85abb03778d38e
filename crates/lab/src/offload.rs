//! Switching off what network interfaces do for TCP, so that every frame in a lab is whole: complete checksum,
//! no larger than the wire.
//!
//! A veth device hands a packet to its peer with the checksum not yet computed and with many segments in one.
//! A frame that an XDP program sends on loses the note that says so, and the receiver drops it.
//! Interface: ioctl `SIOCETHTOOL`, include/uapi/linux/ethtool.h.

use std::{io, os::fd::AsRawFd as _};

use anyhow::{Context as _, Result};
use rustix::net::{AddressFamily, SocketType, socket};

use crate::namespace::Namespace;

/// Something an interface does for the protocols above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// Computing checksums of what is sent.
    TransmitChecksum,
    /// Sending a packet from several pieces of memory.
    ScatterGather,
    /// Cutting TCP segments in the device.
    TcpSegmentation,
    /// Cutting segments just before the device.
    GenericSegmentation,
    /// Joining received segments.
    GenericReceive,
}

impl Offload {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TransmitChecksum,
        Self::ScatterGather,
        Self::TcpSegmentation,
        Self::GenericSegmentation,
        Self::GenericReceive,
    ];

    /// Whether an interface of a namespace does it.
    ///
    /// # Errors
    /// If there is no such interface.
    pub fn is_on(self, namespace: &Namespace, interface: &str) -> Result<bool> {
        let (query, _) = self.commands();
        namespace.run(|| {
            ethtool(interface, query, 0)
                .map(|value| value != 0)
                .with_context(|| format!("failed to ask {interface} for {self:?}"))
        })
    }

    /// Switches it off for an interface of a namespace.
    pub(crate) fn switch_off(self, namespace: &Namespace, interface: &str) -> Result<()> {
        let (_, set) = self.commands();
        namespace.run(|| {
            ethtool(interface, set, 0)
                .with_context(|| format!("failed to switch off {self:?} of {interface}"))?;
            Ok(())
        })
    }

    /// `ETHTOOL_G…` and `ETHTOOL_S…`.
    fn commands(self) -> (u32, u32) {
        match self {
            Self::TransmitChecksum => (0x16, 0x17),
            Self::ScatterGather => (0x18, 0x19),
            Self::TcpSegmentation => (0x1e, 0x1f),
            Self::GenericSegmentation => (0x23, 0x24),
            Self::GenericReceive => (0x2b, 0x2c),
        }
    }
}

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

fn ethtool(interface: &str, command: u32, data: u32) -> io::Result<u32> {
    let mut name = [0; libc::IFNAMSIZ];
    if interface.len() >= name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in name.iter_mut().zip(interface.bytes()) {
        *to = from.cast_signed();
    }
    let mut value = Value { command, data };
    let mut request = libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_data: (&raw mut value).cast(),
        },
    };
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    #[expect(unsafe_code, reason = "this ioctl has no safe interface")]
    // SAFETY: the request and the value it points at live until the call returns; the kernel reads and writes the
    // eight bytes of a `struct ethtool_value` for the commands of `Offload::commands`.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(value.data)
    }
}
