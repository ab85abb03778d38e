//! `real_server`.

use std::net::IpAddr;

use dray_model::document::{self, Real as Document};

use super::{
    super::{
        keyword::{Fate, Real},
        tree::{Known, Statement},
    },
    address,
    carry::{carry, carry_as, has_arguments},
    method::{self, Method},
    server::{Server, near, origin},
    service::Which,
};
use crate::{
    draft::{RealDraft, comment, seat},
    report::{Ledger, Verdict},
};

impl Server {
    /// The real server as one of the virtual server's services has it; what cannot be stands in `comments`.
    pub(super) fn real(
        &self,
        statement: &Statement,
        service: (Which, &document::Service),
        ledger: &mut Ledger,
        comments: &mut Vec<String>,
    ) -> Option<RealDraft> {
        let mut draft = RealDraft {
            origin: Some(origin(statement)),
            ..RealDraft::default()
        };
        let address = address::address(statement.argument(0).unwrap_or_default());
        let port = address::port(statement.argument(1));
        let (address, port) = match (address, port) {
            (Ok(address), Ok(port)) => (address, port),
            (Err(why), _) | (_, Err(why)) => {
                carry_as(statement, Verdict::Refused, &why, ledger, comments);
                return None;
            }
        };
        let name = ledger.name(statement.place);
        draft
            .above
            .push(comment(&format!("{name}: {}", statement.text)));
        let mut own_method = None;
        let mut weight = self.weight;
        for inner in statement.inside() {
            let what = match inner.known {
                Known::Keyword(keyword) => keyword.fate,
                Known::Value | Known::Unknown(_) => Fate::Same(""),
            };
            let Fate::Real(what) = what else {
                carry(inner, ledger, &mut draft.below);
                continue;
            };
            if !has_arguments(inner, ledger, &mut draft.below) {
                continue;
            }
            let set = set(
                what,
                inner,
                &mut draft,
                &mut weight,
                &mut own_method,
                ledger,
            );
            if let Err(why) = set {
                carry_as(inner, Verdict::Refused, &why, ledger, &mut draft.below);
            }
        }
        if weight != 1 {
            draft.document.weight = Some(weight);
        }
        lower_threshold(statement, &mut draft, ledger);
        if let Some(method) = own_method.as_ref().filter(|method| **method != self.method) {
            draft.document.forward = Some(method.forward.to_owned());
            draft.document.tunnel = method.tunnel.map(str::to_owned);
            draft.document.tunnel_port = method.port;
            draft.document.tunnel_checksum = method.checksum.map(Into::into);
        }
        let method = own_method.as_ref().unwrap_or(&self.method);
        place(
            statement,
            (address, port),
            service,
            method,
            &mut draft,
            ledger,
        );
        Some(draft)
    }
}

/// Writes the address, with its port where dray asks for it.
fn place(
    statement: &Statement,
    (address, port): (IpAddr, u16),
    (which, service): (Which, &document::Service),
    method: &Method,
    draft: &mut RealDraft,
    ledger: &mut Ledger,
) {
    let own = match which {
        Which::Address(_, own) => own,
        Which::Mark(..) => 0,
    };
    let (address, why) = seat(address, port, own, method.forward, service);
    draft.document.address = address;
    let said = match why {
        None => (Verdict::Translated, "`real`"),
        Some(why) => {
            draft.above.push(near(statement, why, ledger));
            (Verdict::Approximated, why)
        }
    };
    ledger.say(statement.place, &statement.text, said.0, said.1);
}

/// Takes one statement to heart; why it cannot, otherwise.
fn set(
    what: Real,
    statement: &Statement,
    draft: &mut RealDraft,
    own_weight: &mut u16,
    own_method: &mut Option<Method>,
    ledger: &mut Ledger,
) -> Result<(), String> {
    let word = statement.argument(0).unwrap_or_default();
    let document = &mut draft.document;
    let mut said = (Verdict::Translated, "");
    match what {
        Real::Weight => {
            *own_weight = weight(word)?;
            said.1 = "`weight`";
        }
        Real::Method => {
            let method = method::method(statement.arguments())?;
            said.1 = "`forward`";
            if method.is_near {
                said = (Verdict::Approximated, method::NEAR);
                draft.above.push(near(statement, method::NEAR, ledger));
            }
            *own_method = Some(method);
        }
        Real::UpperThreshold => {
            document.upper_threshold = threshold(word)?;
            said.1 = "`upper_threshold`";
        }
        Real::LowerThreshold => {
            document.lower_threshold = threshold(word)?;
            said.1 = "`lower_threshold`";
        }
    }
    ledger.say(statement.place, &statement.text, said.0, said.1);
    Ok(())
}

/// A lower threshold above the upper one would cost the real server itself.
fn lower_threshold(statement: &Statement, draft: &mut RealDraft, ledger: &mut Ledger) {
    let Document {
        upper_threshold,
        lower_threshold,
        ..
    } = &mut draft.document;
    if lower_threshold.unwrap_or_default() <= upper_threshold.unwrap_or_default() {
        return;
    }
    *lower_threshold = None;
    let is_it = |inner: &&Statement| inner.words.first().is_some_and(|word| word == "lthreshold");
    if let Some(inner) = statement.inside().iter().rfind(is_it) {
        let why = "it is above `uthreshold`";
        carry_as(inner, Verdict::Refused, why, ledger, &mut draft.below);
    }
}

/// A weight.
pub(super) fn weight(word: &str) -> Result<u16, String> {
    let weight = word.parse();
    weight.map_err(|_| format!("`{word}` is not a weight: a number from 0 to 65535"))
}

/// A threshold; 0 is none.
fn threshold(word: &str) -> Result<Option<u32>, String> {
    let threshold: Option<u32> = word
        .parse()
        .ok()
        .filter(|number| *number <= i32::MAX.unsigned_abs());
    let threshold = threshold
        .ok_or_else(|| format!("`{word}` is not a threshold: a number from 0 to 2147483647"))?;
    Ok((threshold != 0).then_some(threshold))
}
