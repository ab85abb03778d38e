//! How packets reach real servers: the forwarding method of a service, and of a real server that has its own.

use std::{num::NonZeroU16, ops::Range};

use crate::{Forward, Tunnel, TunnelChecksum};

use super::{
    fault::{Fault, Faults, quote},
    keys::{MethodKeys, nearest},
    table::Entries,
    value::Value,
};

/// The words of `forward`.
const METHODS: [(&str, Forward); 4] = [
    ("dr", Forward::DirectRouting),
    ("tun", Forward::Tunnel(Tunnel::IpIp)),
    ("nat", Forward::Nat),
    ("fullnat", Forward::FullNat),
];

/// Words that others have for them, and what to write instead.
const OTHER_WORDS: [(&[&str], &str); 6] = [
    (
        &["direct", "route", "routing", "gateway", "gatewaying", "dsr"],
        "write `forward = \"dr\"`",
    ),
    (
        &["tunnel", "tunneling", "tunnelling", "ipip", "encap"],
        "write `forward = \"tun\"`",
    ),
    (&["gre"], "write `forward = \"tun\"` and `tunnel = \"gre\"`"),
    (
        &["gue", "fou"],
        "write `forward = \"tun\"` and `tunnel = \"gue\"`",
    ),
    (
        &["masq", "masquerade", "masquerading", "dnat"],
        "write `forward = \"nat\"`",
    ),
    (
        &["full_nat", "full-nat", "fnat", "snat"],
        "write `forward = \"fullnat\"`",
    ),
];

/// GUE's port when the file says nothing: the one that IANA gave it.
pub(crate) const GUE_PORT: NonZeroU16 = NonZeroU16::new(6080).expect("6080 is not 0");

/// The word for IPVS's remote checksum, in place of `true`.
pub(crate) const REMOTE: &str = "remote";

/// A forwarding method, with what real servers take over from their service's.
#[derive(Clone, Debug)]
pub(super) struct Method {
    pub(super) forward: Forward,
    /// The place of its name, if it stands in the file.
    pub(super) place: Option<Range<usize>>,
    shape: Shape,
}

/// What tunnels are made of.
#[derive(Clone, Copy, Debug)]
struct Shape {
    kind: Kind,
    port: NonZeroU16,
    checksum: TunnelChecksum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    IpIp,
    Gre,
    Gue,
}

/// The words of `tunnel`.
const KINDS: [(&str, Kind); 3] = [("ipip", Kind::IpIp), ("gre", Kind::Gre), ("gue", Kind::Gue)];

impl Method {
    /// That of a service which names none.
    pub(super) const DEFAULT: Self = Self {
        forward: Forward::DirectRouting,
        place: None,
        shape: Shape {
            kind: Kind::IpIp,
            port: GUE_PORT,
            checksum: TunnelChecksum::None,
        },
    };
}

impl Shape {
    fn tunnel(self) -> Tunnel {
        let Self {
            kind,
            port,
            checksum,
        } = self;
        match kind {
            Kind::IpIp => Tunnel::IpIp,
            Kind::Gre => Tunnel::Gre { checksum },
            Kind::Gue => Tunnel::Gue { port, checksum },
        }
    }
}

/// Reads a table's forwarding method: what it does not say is as in `inherited`. `None` only with a fault.
pub(super) fn read(
    entries: &Entries<'_, '_>,
    keys: &MethodKeys,
    inherited: &Method,
    faults: &mut Faults<'_>,
) -> Option<Method> {
    let word = entries.value(keys.forward, faults);
    let forward = match &word {
        Some(word) => forward(word, faults),
        None => Some(inherited.forward),
    };
    let place = word.map(|word| word.span()).or(inherited.place.clone());
    let shape = match forward {
        Some(Forward::Tunnel(_)) | None => shape(entries, keys, inherited.shape, faults),
        Some(other) => {
            without(entries, keys, other, place.as_ref(), faults).then_some(inherited.shape)
        }
    };
    let (forward, shape) = (forward?, shape?);
    let forward = match forward {
        Forward::Tunnel(_) => Forward::Tunnel(shape.tunnel()),
        other => other,
    };
    Some(Method {
        forward,
        place,
        shape,
    })
}

/// A method in words that follow "in".
pub(super) const fn in_words(forward: Forward) -> &'static str {
    match forward {
        Forward::DirectRouting => "DR",
        Forward::Tunnel(_) => "a tunnel",
        Forward::Nat => "NAT",
        Forward::FullNat => "FULLNAT",
    }
}

fn forward(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<Forward> {
    let name = value.string(faults)?;
    let found = METHODS.iter().find(|(method, _)| *method == name);
    if found.is_none() {
        let word = name.to_lowercase();
        let names = || METHODS.iter().map(|(method, _)| *method);
        let other = OTHER_WORDS
            .iter()
            .find(|(words, _)| words.contains(&word.as_str()));
        let cure = match (other, nearest(&word, names())) {
            (Some((_, cure)), _) => (*cure).to_owned(),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => {
                let all: Vec<_> = names().map(quote).collect();
                format!("use one of {}", all.join(", "))
            }
        };
        let cause = format!("there is no forwarding method {}", quote(name));
        faults.push(Fault::new(value.span(), cause, "unknown method", cure));
    }
    found.map(|(_, forward)| *forward)
}

/// Reads what a tunnel is made of; `None` only with a fault.
fn shape(
    entries: &Entries<'_, '_>,
    keys: &MethodKeys,
    inherited: Shape,
    faults: &mut Faults<'_>,
) -> Option<Shape> {
    let value = entries.value(keys.tunnel, faults);
    let kind = match &value {
        Some(value) => value.choice(&KINDS, faults),
        None => Some(inherited.kind),
    };
    let has = |kinds: &[Kind]| kind.is_none_or(|kind| kinds.contains(&kind));
    let unfit = |value: &Value<'_, '_>, cure: &str, faults: &mut Faults<'_>| {
        let name = value.name();
        let tunnel = KINDS.iter().find(|(_, other)| Some(*other) == kind);
        let label = tunnel.map_or_else(String::new, |(name, _)| format!("the tunnel is {name}"));
        faults.push(Fault::new(
            value.key_span(),
            format!("`{name}` has no use here"),
            label,
            cure,
        ));
    };
    let port = match entries.value(keys.tunnel_port, faults) {
        Some(value) if !has(&[Kind::Gue]) => {
            unfit(&value, "remove it, or write `tunnel = \"gue\"`", faults);
            None
        }
        Some(value) => value
            .integer(1..=u32::from(u16::MAX), "", faults)
            .and_then(|port| NonZeroU16::new(u16::try_from(port).ok()?)),
        None => Some(inherited.port),
    };
    let checksum = match entries.value(keys.tunnel_checksum, faults) {
        Some(value) if !has(&[Kind::Gre, Kind::Gue]) => {
            let cure =
                "remove it, or write `tunnel = \"gre\"` or `tunnel = \"gue\"`: IP in IP has none";
            unfit(&value, cure, faults);
            None
        }
        Some(value) if value.is(REMOTE) => Some(TunnelChecksum::Remote),
        Some(value) => value.boolean(faults).map(|on| match on {
            true => TunnelChecksum::Full,
            false => TunnelChecksum::None,
        }),
        None => Some(inherited.checksum),
    };
    Some(Shape {
        kind: kind?,
        port: port?,
        checksum: checksum?,
    })
}

/// Whether none of a tunnel's keys is there: the method is another.
fn without(
    entries: &Entries<'_, '_>,
    keys: &MethodKeys,
    forward: Forward,
    place: Option<&Range<usize>>,
    faults: &mut Faults<'_>,
) -> bool {
    let before = faults.count();
    for key in [keys.tunnel, keys.tunnel_port, keys.tunnel_checksum] {
        let Some(value) = entries.value(key, faults) else {
            continue;
        };
        let fault = Fault::new(
            value.key_span(),
            format!("`{}` has no use here", value.name()),
            format!("the forwarding method is {}", forward.name()),
            "write `forward = \"tun\"` too, or remove it",
        );
        faults.push(match place {
            Some(place) => fault.related(place.clone(), "because of this"),
            None => fault,
        });
    }
    faults.count() == before
}
