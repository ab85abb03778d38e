//! XDP programs on the switch's ports, without which veth devices are not quite wires.
//!
//! - A frame that XDP sends or redirects is delivered only if the receiving end has an XDP program of its own:
//!   `pass`, which passes everything.
//! - The kernel need not have VLAN devices: `tag` pushes a tag on all that a client sends, and hands it to the
//!   director's port.

use anyhow::{Context as _, Result};
use dray_dataplane::lab::{Guard, attach_pass, attach_tag};

use crate::namespace::Namespace;

/// An attached helper program. It is detached when dropped.
pub(crate) struct Helper {
    _guard: Guard,
}

impl Helper {
    /// Attaches `pass` to a port.
    pub(crate) fn pass(switch: &Namespace, port: &str) -> Result<Self> {
        let index = switch.link(port)?.index;
        switch
            .run(|| {
                Ok(Self {
                    _guard: attach_pass(index)?,
                })
            })
            .with_context(|| format!("failed to attach the program `pass` to the port {port}"))
    }

    /// Attaches `tag` to a port, which hands tagged frames to another.
    pub(crate) fn tag(switch: &Namespace, port: &str, vlan: u16, to: &str) -> Result<Self> {
        let (index, to) = (switch.link(port)?.index, switch.link(to)?.index);
        switch
            .run(|| {
                Ok(Self {
                    _guard: attach_tag(index, vlan, to)?,
                })
            })
            .with_context(|| format!("failed to attach the program `tag` to the port {port}"))
    }
}
