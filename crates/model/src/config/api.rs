//! `[director.api]` and `[director.api.tcp]`: who may use the API, and where.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use crate::{Api, ApiCallers, ApiReaders, ApiTcp};

use super::{
    fault::{Fault, Faults, quote},
    keys::{self, Key, api},
    table::Entries,
    value::Value,
};

/// The words of `readers`.
pub(super) const READERS: [(&str, ApiReaders); 2] =
    [("group", ApiReaders::Group), ("all", ApiReaders::All)];

/// Reads who may use the API; `None` only with a fault.
pub(super) fn read(director: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Api> {
    let Some(value) = director.value(&keys::director::API, faults) else {
        return Some(Api::default());
    };
    let entries = Entries::open(&keys::API, value.span(), value.table(faults)?, faults);
    let readers = entries
        .value(&api::READERS, faults)
        .map_or(Some(ApiReaders::default()), |value| {
            value.choice(&READERS, faults)
        });
    let tcp = entries
        .value(&api::TCP, faults)
        .map_or(Some(None), |value| tcp(&value, faults).map(Some));
    Some(Api {
        readers: readers?,
        tcp: tcp?,
    })
}

fn tcp(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<ApiTcp> {
    let entries = Entries::open(&keys::API_TCP, value.span(), value.table(faults)?, faults);
    let listen = entries
        .value(&api::LISTEN, faults)
        .and_then(|value| listen(&value, faults));
    let certificate = path(&entries, &api::CERTIFICATE, faults);
    let key = path(&entries, &api::KEY, faults);
    let callers = callers(&entries, faults);
    Some(ApiTcp {
        listen: listen?,
        certificate: certificate?,
        key: key?,
        callers: callers?,
    })
}

/// An address of the director's, or all of them, with a port.
fn listen(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<SocketAddr> {
    let text = value.string(faults)?;
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => return Some(address),
        Ok(_) => faults.push(Fault::new(
            value.span(),
            "port 0 is no port to listen on",
            "no port",
            format!("write a port, as in `{}`", api::LISTEN.example),
        )),
        Err(_) => faults.push(Fault::new(
            value.span(),
            format!("{} is not an IP address with a port", quote(text)),
            "cannot listen here",
            where_to_listen(text),
        )),
    }
    None
}

fn where_to_listen(text: &str) -> String {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => format!("write the port too: `{address}:7443`"),
        Ok(IpAddr::V6(address)) => format!("write the port too: `[{address}]:7443`"),
        Err(_) => format!(
            "write one of the director's addresses and a port, as in `{}`, or `[::]:7443` for all of them",
            api::LISTEN.example
        ),
    }
}

fn callers(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<ApiCallers> {
    let ca = entries.value(&api::CLIENT_CA, faults);
    let tokens = entries.value(&api::TOKENS, faults);
    if let (Some(ca), Some(tokens)) = (&ca, &tokens) {
        let cause = "callers have certificates or tokens, not both";
        faults.push(
            Fault::new(
                tokens.key_span(),
                cause,
                "tokens too",
                "remove one of the two",
            )
            .related(ca.key_span(), "certificates"),
        );
        return None;
    }
    if let Some(ca) = ca {
        let authorities = absolute(&ca, faults)?;
        return Some(ApiCallers::Certificates { authorities });
    }
    let file = absolute(&tokens?, faults)?;
    Some(ApiCallers::Tokens { file })
}

fn path(entries: &Entries<'_, '_>, key: &'static Key, faults: &mut Faults<'_>) -> Option<PathBuf> {
    absolute(&entries.value(key, faults)?, faults)
}

/// The daemon has no directory of its own that a relative path could begin at.
fn absolute(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<PathBuf> {
    let text = value.string(faults)?;
    let path = Path::new(text);
    if path.is_absolute() && !text.ends_with('/') && !text.contains('\0') {
        return Some(path.to_owned());
    }
    let cause = format!("{} is not a file's full path", quote(text));
    faults.push(Fault::new(
        value.span(),
        cause,
        "not a full path",
        "write the whole path, from `/` on",
    ));
    None
}
