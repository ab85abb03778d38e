//! A document as the text of a file.
//!
//! A real server has a line of its own, so that lists can be read, compared and edited by line.

use std::fmt::{Display, Write as _};

use super::{Checksum, Director, Document, Ipvs, Mark, Netmask, Real, Service};
use crate::config::spelling::{grouped, quoted};

/// The text, in the order of the documentation.
pub(super) fn write(document: &Document) -> String {
    let mut text = String::new();
    director(&document.director, &mut text);
    for each in &document.service {
        text.push('\n');
        service(each, &mut text);
    }
    for each in &document.mark {
        text.push('\n');
        mark(each, &mut text);
    }
    text
}

fn director(director: &Director, text: &mut String) {
    let Director {
        interfaces,
        max_connections,
        max_translations,
        manage_vips,
        vip_interface,
        timeouts,
        tunnel,
        fullnat,
        ipvs,
        api,
    } = director;
    table(text, "[director]")
        .list("interfaces", interfaces, true)
        .plain("max_connections", max_connections.map(grouped))
        .plain("max_translations", max_translations.map(grouped))
        .plain("manage_vips", *manage_vips)
        .word("vip_interface", vip_interface);
    if let Some(timeouts) = timeouts {
        inner_table(text, "[director.timeouts]")
            .word("tcp", &timeouts.tcp)
            .word("tcp_fin", &timeouts.tcp_fin)
            .word("udp", &timeouts.udp);
    }
    if let Some(tunnel) = tunnel {
        inner_table(text, "[director.tunnel]")
            .word("source4", &tunnel.source4)
            .word("source6", &tunnel.source6);
    }
    if let Some(fullnat) = fullnat {
        inner_table(text, "[director.fullnat]")
            .list("addresses", &fullnat.addresses, true)
            .word("ports", &fullnat.ports);
    }
    if let Some(ipvs) = ipvs {
        self::ipvs(ipvs, text);
    }
    if let Some(api) = api {
        inner_table(text, "[director.api]").word("readers", &api.readers);
        if let Some(tcp) = &api.tcp {
            inner_table(text, "[director.api.tcp]")
                .text("listen", &tcp.listen)
                .text("certificate", &tcp.certificate)
                .text("key", &tcp.key)
                .word("client_ca", &tcp.client_ca)
                .word("tokens", &tcp.tokens);
        }
    }
}

fn ipvs(ipvs: &Ipvs, text: &mut String) {
    inner_table(text, "[director.ipvs]")
        .word("compat", &ipvs.compat)
        .word("kernel", &ipvs.kernel)
        .plain("conn_reuse_mode", ipvs.conn_reuse_mode)
        .plain("expire_nodest_conn", ipvs.expire_nodest_conn)
        .word("removed", &ipvs.removed)
        .word("no_destination", &ipvs.no_destination)
        .plain("expire_quiescent_template", ipvs.expire_quiescent_template)
        .plain("keep_template_timeout", ipvs.keep_template_timeout)
        .plain("sloppy_tcp", ipvs.sloppy_tcp)
        .plain("sloppy_sctp", ipvs.sloppy_sctp)
        .plain("null_segments_close", ipvs.null_segments_close)
        .plain("schedule_icmp", ipvs.schedule_icmp)
        .plain("answers_per_second", ipvs.answers_per_second)
        .word("drop_entry", &ipvs.drop_entry)
        .word("drop_packet", &ipvs.drop_packet)
        .plain("am_droprate", ipvs.am_droprate)
        .word("secure_tcp", &ipvs.secure_tcp)
        .plain("defence_threshold", ipvs.defence_threshold);
}

fn service(service: &Service, text: &mut String) {
    let Service {
        name,
        address,
        mark,
        family,
        scheduler,
        flags,
        persistent,
        netmask,
        persistence_engine,
        one_packet,
        forward,
        tunnel,
        tunnel_port,
        tunnel_checksum,
        client_address,
        toa_option,
        mss,
        real,
    } = service;
    let mut lines = table(text, "[[service]]");
    lines
        .text("name", name)
        .word("address", address)
        .plain("mark", *mark)
        .word("family", family)
        .word("scheduler", scheduler)
        .list("flags", flags, false)
        .word("persistent", persistent);
    match netmask {
        Some(Netmask::Mask(mask)) => lines.text("netmask", mask),
        Some(Netmask::Length(length)) => lines.plain("netmask", Some(length)),
        None => &mut lines,
    };
    lines
        .word("persistence_engine", persistence_engine)
        .plain("one_packet", *one_packet)
        .word("forward", forward)
        .word("tunnel", tunnel)
        .plain("tunnel_port", *tunnel_port)
        .plain("tunnel_checksum", tunnel_checksum.as_ref().map(checksum))
        .word("client_address", client_address)
        .plain("toa_option", *toa_option)
        .plain("mss", *mss);
    if !real.is_empty() {
        text.push_str("real = [\n");
        for each in real {
            self::real(each, text);
        }
        text.push_str("]\n");
    }
}

fn real(real: &Real, text: &mut String) {
    let Real {
        address,
        forward,
        tunnel,
        tunnel_port,
        tunnel_checksum,
        weight,
        upper_threshold,
        lower_threshold,
    } = real;
    text.push_str("    { ");
    pairs(text, Look::Inline)
        .text("address", address)
        .word("forward", forward)
        .word("tunnel", tunnel)
        .plain("tunnel_port", *tunnel_port)
        .plain("tunnel_checksum", tunnel_checksum.as_ref().map(checksum))
        .plain("weight", *weight)
        .plain("upper_threshold", *upper_threshold)
        .plain("lower_threshold", *lower_threshold);
    text.push_str(" },\n");
}

fn mark(mark: &Mark, text: &mut String) {
    let Mark {
        mark: number,
        destination,
        source,
        protocol,
        ports,
        source_ports,
        interface,
        family,
    } = mark;
    table(text, "[[mark]]")
        .plain("mark", Some(number))
        .list("destination", destination, false)
        .list("source", source, false)
        .word("protocol", protocol)
        .list("ports", ports, false)
        .list("source_ports", source_ports, false)
        .word("interface", interface)
        .word("family", family);
}

fn checksum(checksum: &Checksum) -> String {
    match checksum {
        Checksum::Switch(is_there) => is_there.to_string(),
        Checksum::Word(word) => quoted(word),
    }
}

/// A table's header; what is written to it goes below.
fn table<'t>(text: &'t mut String, header: &str) -> Pairs<'t> {
    text.push_str(header);
    text.push('\n');
    pairs(text, Look::Lines)
}

/// The same for a table of the director's.
fn inner_table<'t>(text: &'t mut String, header: &str) -> Pairs<'t> {
    text.push('\n');
    table(text, header)
}

fn pairs(text: &mut String, look: Look) -> Pairs<'_> {
    Pairs {
        text,
        look,
        is_first: true,
    }
}

/// Keys with their values, of which those that are not there are left out.
struct Pairs<'t> {
    text: &'t mut String,
    look: Look,
    is_first: bool,
}

#[derive(Clone, Copy)]
enum Look {
    /// Each on a line of its own.
    Lines,
    /// All on one line, with commas between.
    Inline,
}

impl Pairs<'_> {
    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.plain(key, Some(quoted(value)))
    }

    fn word(&mut self, key: &str, value: &Option<String>) -> &mut Self {
        self.plain(key, value.as_deref().map(quoted))
    }

    /// A list of texts; an empty one stands only where the key has to.
    fn list(&mut self, key: &str, items: &[String], is_required: bool) -> &mut Self {
        let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
        let is_there = is_required || !items.is_empty();
        self.plain(key, is_there.then(|| format!("[{}]", items.join(", "))))
    }

    /// What stands in the file as it is displayed.
    fn plain(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        let Some(value) = value else { return self };
        let (before, after) = match self.look {
            Look::Lines => ("", "\n"),
            Look::Inline if self.is_first => ("", ""),
            Look::Inline => (", ", ""),
        };
        self.is_first = false;
        write!(self.text, "{before}{key} = {value}{after}").expect("a string takes all");
        self
    }
}
