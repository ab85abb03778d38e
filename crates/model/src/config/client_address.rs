//! What FULLNAT's real servers are told of the client.

use std::ops::RangeInclusive;

use crate::{ClientAddress, Protocol};

use super::{
    fault::{Fault, Faults, quote},
    identity::Identified,
    keys::service,
    protocol::only,
    table::Entries,
    value::Value,
};

/// The words of `client_address`.
const WORDS: [(&str, Word); 2] = [("hidden", Word::Hidden), ("toa", Word::Toa)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Hidden,
    Toa,
}

/// Other words for the PROXY protocol.
const PROXY_PROTOCOL: [&str; 7] = [
    "proxy-protocol",
    "proxy_protocol",
    "proxy",
    "proxy-v1",
    "proxy-v2",
    "pp2",
    "send-proxy",
];

/// The option of Alibaba's TOA module: one for experiments (RFC 4727).
pub(crate) const TOA: u8 = 254;

/// What the option's kind may be: those below are all in use.
const KINDS: RangeInclusive<u32> = 31..=254;

/// Kinds among these that TCP has another use for (IANA's register of TCP option kinds).
const TAKEN: [(u8, &str); 4] = [
    (34, "Fast Open (RFC 7413)"),
    (69, "encryption negotiation (RFC 8547)"),
    (172, "accurate ECN (RFC 9768)"),
    (174, "accurate ECN (RFC 9768)"),
];

/// Reads what a service's real servers are told; `None` only with a fault. `has_fullnat`: some of them may be reached by FULLNAT.
pub(super) fn read(
    entries: &Entries<'_, '_>,
    service: Option<&Identified>,
    has_fullnat: bool,
    faults: &mut Faults<'_>,
) -> Option<ClientAddress> {
    let value = entries.value(&service::CLIENT_ADDRESS, faults);
    let word = match &value {
        Some(value) => word(value, service, has_fullnat, faults),
        None => Some(Word::Hidden),
    };
    let kind = match entries.value(&service::TOA_OPTION, faults) {
        Some(option) if word == Some(Word::Hidden) => {
            faults.push(without_toa(&option, value.as_ref()));
            None
        }
        Some(option) => kind(&option, faults),
        None => Some(TOA),
    };
    Some(match (word?, kind?) {
        (Word::Hidden, _) => ClientAddress::Hidden,
        (Word::Toa, kind) => ClientAddress::TcpOption { kind },
    })
}

fn word(
    value: &Value<'_, '_>,
    service: Option<&Identified>,
    has_fullnat: bool,
    faults: &mut Faults<'_>,
) -> Option<Word> {
    let text = value.string(faults)?;
    if PROXY_PROTOCOL.contains(&text.to_lowercase().as_str()) {
        let cause = "dray cannot speak the PROXY protocol: every sequence number of the connection would have to be \
                     rewritten";
        let cure = "write `toa`, which the real server's kernel has to read, or put a proxy of layer 7 before it";
        faults.push(Fault::new(
            value.span(),
            cause,
            "not in the data plane",
            cure,
        ));
        return None;
    }
    let word = value.choice(&WORDS, faults)?;
    if !has_fullnat {
        faults.push(Fault::new(
            value.key_span(),
            format!("`{}` has no use here", value.name()),
            "no real server is reached by FULLNAT",
            "write `forward = \"fullnat\"` too, or remove it: other methods keep the client's address",
        ));
        return None;
    }
    let cause = "TOA is an option of TCP: other protocols have no place for it";
    let cure = "remove it, or write `tcp://` in the `address`";
    let fits = word == Word::Hidden || only(Protocol::Tcp, value, service, cause, cure, faults);
    fits.then_some(word)
}

fn without_toa(option: &Value<'_, '_>, word: Option<&Value<'_, '_>>) -> Fault {
    let fault = Fault::new(
        option.key_span(),
        format!("`{}` has no use here", option.name()),
        "the client's address is hidden",
        "write `client_address = \"toa\"`, or remove it",
    );
    match word {
        Some(word) => fault.related(word.span(), "because of this"),
        None => fault,
    }
}

fn kind(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<u8> {
    let kind = u8::try_from(value.integer(KINDS, ", the kind of a TCP option", faults)?).ok()?;
    let taken = TAKEN.iter().find(|(taken, _)| *taken == kind);
    if let Some((_, by)) = taken {
        faults.push(Fault::new(
            value.span(),
            format!("{} is the TCP option of {by}", quote(&kind.to_string())),
            "taken",
            "write 254 or 253, which are for experiments (RFC 4727)",
        ));
    }
    taken.is_none().then_some(kind)
}
