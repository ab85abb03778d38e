//! The daemon's values as the API writes them: here the control room's, in files of their own the intent room's, what
//! happens, and what would.

pub(super) mod drain;
mod edits;
pub(super) mod events;
pub(super) mod history;
pub(super) mod plan;

use std::{net::IpAddr, num::NonZeroU16, path::Path, time::Duration};

use dray_api::{service_name, v1};
use dray_control as control;
use dray_intent::{State, Timestamp};
use dray_model::{
    ClientAddress, Granularity, Hop, InterfaceStatus, LocalAddresses, Persistence,
    PersistenceEngine, ReasonCount, Removed, Rewrite, Scheduler, Timeouts, Verdict, XdpMode,
};

pub(super) fn status(
    status: control::Status,
    config: &Path,
    state: &State,
    now: Timestamp,
) -> v1::Status {
    v1::Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        abi: dray_abi::ABI_VERSION,
        config: config.display().to_string(),
        configuration: history::configuration(state, now),
        problems: status.problems,
        director: director(status.director),
        services: status.services.into_iter().map(service).collect(),
        leaving: status.leaving.into_iter().map(leaving).collect(),
        reasons: status.reasons.into_iter().map(reason).collect(),
    }
}

fn director(director: control::DirectorStatus) -> v1::Director {
    let control::TableStatus {
        connections,
        room,
        translated,
        translated_room,
    } = director.table;
    v1::Director {
        interfaces: director.interfaces.into_iter().map(interface).collect(),
        connection_table: v1::ConnectionTable {
            connections,
            room_per_family: room,
        },
        translation_table: v1::TranslationTable {
            connections: translated,
            room: translated_room,
        },
        local_addresses: local_addresses(director.fullnat),
        timeouts: timeouts(director.timeouts),
        defences: defences(director.defences),
        removed: match director.removed {
            Removed::Finish => v1::Removed::Finish,
            Removed::Drop => v1::Removed::Drop,
        },
        vips: director.vips.into_iter().map(added_vip).collect(),
    }
}

fn local_addresses(LocalAddresses { addresses, ports }: LocalAddresses) -> v1::LocalAddresses {
    v1::LocalAddresses {
        addresses,
        first_port: *ports.start(),
        last_port: *ports.end(),
    }
}

fn interface(InterfaceStatus { name, index, mode }: InterfaceStatus) -> v1::Interface {
    let xdp = match mode {
        XdpMode::Native => v1::XdpMode::Native,
        XdpMode::Generic => v1::XdpMode::Generic,
    };
    v1::Interface { name, index, xdp }
}

fn timeouts(Timeouts { tcp, tcp_fin, udp }: Timeouts) -> v1::Timeouts {
    v1::Timeouts {
        tcp_milliseconds: milliseconds(tcp),
        tcp_fin_milliseconds: milliseconds(tcp_fin),
        udp_milliseconds: milliseconds(udp),
    }
}

const fn defences(defences: control::Defences) -> v1::Defences {
    let control::Defences {
        drop_rate,
        drop_entry,
        secure_tcp,
    } = defences;
    v1::Defences {
        drop_rate,
        drop_entry,
        secure_tcp,
    }
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

fn added_vip(control::AddedVip { interface, vip }: control::AddedVip) -> v1::AddedVip {
    v1::AddedVip { interface, vip }
}

fn service(service: control::ServiceStatus) -> v1::Service {
    v1::Service {
        name: service.name.to_string(),
        identity: service.identity.into(),
        scheduler: service.scheduler.name().to_owned(),
        scheduler_flags: scheduler_flags(service.scheduler),
        persistence: service.options.persistence.map(persistence),
        one_packet: service.options.one_packet,
        forward: service.forward.into(),
        toa_option: match service.client_address {
            ClientAddress::Hidden => None,
            ClientAddress::TcpOption { kind } => Some(kind),
        },
        mss: service.mss.map(NonZeroU16::get),
        refused: service.refused,
        traffic: traffic(service.traffic),
        destinations: service.destinations.into_iter().map(destination).collect(),
    }
}

fn scheduler_flags(scheduler: Scheduler) -> Vec<String> {
    let (Scheduler::SourceHash(flags) | Scheduler::MaglevHash(flags)) = scheduler else {
        return Vec::new();
    };
    let named = [(flags.fallback, "fallback"), (flags.port, "port")];
    let set = named.into_iter().filter(|(set, _)| *set);
    set.map(|(_, flag)| format!("{}-{flag}", scheduler.name()))
        .collect()
}

fn persistence(persistence: Persistence) -> v1::Persistence {
    v1::Persistence {
        timeout_seconds: persistence.timeout.get(),
        mask: match persistence.granularity {
            Granularity::Ipv4(mask) => mask.to_string(),
            Granularity::Ipv6(length) => length.to_string(),
        },
        engine: persistence.engine.map(|engine| match engine {
            PersistenceEngine::Sip => "sip".to_owned(),
        }),
    }
}

fn leaving(service: control::LeavingService) -> v1::LeavingService {
    v1::LeavingService {
        identity: service.identity.into(),
        destinations: service.destinations.into_iter().map(destination).collect(),
    }
}

fn destination(destination: control::DestinationStatus) -> v1::Destination {
    let (standing, why) = match destination.standing {
        control::Standing::Eligible => (v1::Standing::Eligible, None),
        control::Standing::Quiesced => (v1::Standing::Quiesced, None),
        control::Standing::Overloaded => (v1::Standing::Overloaded, None),
        control::Standing::NotEligible(why) => (v1::Standing::NotEligible, Some(why.to_string())),
        control::Standing::Leaving => (v1::Standing::Leaving, None),
    };
    v1::Destination {
        real: destination.real,
        port: destination.port,
        forward: destination.forward.into(),
        weight: destination.weight.value(),
        upper_threshold: destination.thresholds.upper,
        lower_threshold: destination.thresholds.lower,
        standing,
        why,
        next_hop: destination.hop.map(next_hop),
        gateway: destination.gateway,
        local: destination.local,
        traffic: traffic(destination.traffic),
    }
}

fn next_hop(hop: Hop) -> v1::NextHop {
    v1::NextHop {
        interface: hop.next.interface,
        vlan: hop.next.vlan,
        mac: hop.next.destination.to_string(),
        mtu: hop.mtu,
        tunnel_source: match hop.rewrite {
            Rewrite::Tunnel { source, spread, .. } => Some(v1::TunnelSource {
                address: source,
                spread,
            }),
            Rewrite::None | Rewrite::Nat { .. } | Rewrite::FullNat { .. } => None,
        },
    }
}

fn traffic(traffic: control::Traffic) -> v1::Traffic {
    let since_zeroed = traffic.since_zeroed();
    let control::Traffic {
        live,
        counters,
        zeroed: _,
        rates,
    } = traffic;
    v1::Traffic {
        active: live.active,
        inactive: live.inactive,
        persistent: live.persistent,
        connections: counters.connections,
        packets: counters.packets,
        bytes: counters.bytes,
        reply_packets: counters.reply_packets,
        reply_bytes: counters.reply_bytes,
        since_zeroed: v1::Counts {
            connections: since_zeroed.connections,
            packets: since_zeroed.packets,
            bytes: since_zeroed.bytes,
            reply_packets: since_zeroed.reply_packets,
            reply_bytes: since_zeroed.reply_bytes,
        },
        per_second: v1::Rates {
            connections: rates.connections,
            packets: rates.packets,
            bytes: rates.bytes,
            reply_packets: rates.reply_packets,
            reply_bytes: rates.reply_bytes,
        },
    }
}

fn reason(
    ReasonCount {
        name,
        verdict,
        meaning,
        packets,
    }: ReasonCount,
) -> v1::Reason {
    let verdict = match verdict {
        Verdict::Pass => v1::Verdict::Pass,
        Verdict::Drop => v1::Verdict::Drop,
        Verdict::Forward => v1::Verdict::Forward,
    };
    v1::Reason {
        name: name.to_owned(),
        verdict,
        meaning: meaning.to_owned(),
        packets,
    }
}

/// The filters of a query for connections.
pub(super) fn filter(
    query: v1::ConnectionsQuery,
) -> Result<control::ConnectionFilter, v1::Problem> {
    Ok(control::ConnectionFilter {
        client: query.client.map(network),
        service: query.service.as_deref().map(service_name).transpose()?,
        real: query.real,
        state: query.state,
    })
}

/// The filters of a query for connections to end.
pub(super) fn end_filter(query: v1::EndQuery) -> Result<control::ConnectionFilter, v1::Problem> {
    Ok(control::ConnectionFilter {
        client: query.client.map(network),
        service: query.service.as_deref().map(service_name).transpose()?,
        real: query.real,
        state: query.state,
    })
}

fn network(prefix: v1::Prefix) -> (IpAddr, u8) {
    (prefix.address(), prefix.length())
}

pub(super) const fn ended(ended: control::Ended) -> v1::Ended {
    v1::Ended {
        ended: ended.connections + ended.templates,
    }
}

pub(super) fn connections(connections: control::Connections) -> v1::Connections {
    let control::Connections { list, more } = connections;
    v1::Connections {
        connections: list.into_iter().map(connection).collect(),
        more,
    }
}

fn connection(connection: control::ConnectionStatus) -> v1::Connection {
    let address = connection.address;
    v1::Connection {
        protocol: address.protocol.into(),
        client: connection.client,
        virtual_: (address.vip, address.port).into(),
        service: connection.service.map(|name| name.to_string()),
        real: connection.real.map(|real| real.ip()),
        real_port: connection.real.map(|real| real.port()),
        forward: connection.forward.map(Into::into),
        local: connection.local,
        state: connection.state.to_owned(),
        expires_seconds: connection.expires.as_secs(),
        age_seconds: connection.age.as_secs(),
    }
}

pub(super) fn templates(templates: control::Templates) -> v1::Templates {
    let control::Templates { list, more } = templates;
    v1::Templates {
        templates: list.into_iter().map(template).collect(),
        more,
    }
}

fn template(template: control::TemplateStatus) -> v1::Template {
    v1::Template {
        client: template.client,
        to: template.to.into(),
        service: template.service.map(|name| name.to_string()),
        real: template.real,
        state: template.state.to_owned(),
        expires_seconds: template.expires.as_secs(),
        connections: template.connections,
    }
}

/// What a reload changed.
pub(super) fn reloaded(config: &Path, applied: control::Applied) -> v1::Reloaded {
    v1::Reloaded {
        config: config.display().to_string(),
        services: applied.services,
        reals: applied.reals,
        services_added: applied.services_added,
        services_changed: applied.services_changed,
        services_removed: applied.services_removed,
        problems: applied.problems,
    }
}
