//! The name in a client's certificate.

use std::fmt::Write;

use ring::digest::{self, SHA256};
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// DER's tags (X.690) of what names are made of.
mod tag {
    pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(super) const UTF8_STRING: u8 = 0x0c;
    pub(super) const PRINTABLE_STRING: u8 = 0x13;
    pub(super) const IA5_STRING: u8 = 0x16;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
}

/// `id-at-commonName`, 2.5.4.3 (RFC 5280 appendix A.1).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The common name of whoever the certificate is for, else its first DNS name, else its fingerprint. The certificate was
/// verified, so that this is what its authority says.
pub(super) fn name(certificate: &CertificateDer<'_>) -> String {
    let parsed = EndEntityCert::try_from(certificate).ok();
    let name = parsed.and_then(|parsed| {
        let common = common_name(parsed.subject());
        common.or_else(|| parsed.valid_dns_names().next().map(str::to_owned))
    });
    name.unwrap_or_else(|| fingerprint(certificate))
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let mut text = "sha256 ".to_owned();
    for byte in digest::digest(&SHA256, certificate).as_ref() {
        _ = write!(text, "{byte:02x}");
    }
    text
}

/// The last common name of an `RDNSequence` (RFC 5280 §4.1.2.4), whose own tag and length are left out.
fn common_name(mut names: &[u8]) -> Option<String> {
    let mut found = None;
    while let Some((tag::SET, mut set, rest)) = element(names) {
        names = rest;
        while let Some((tag::SEQUENCE, attribute, rest)) = element(set) {
            set = rest;
            found = value(attribute).or(found);
        }
    }
    found
}

/// The value of an attribute, if that is a common name.
fn value(attribute: &[u8]) -> Option<String> {
    let (tag::OBJECT_IDENTIFIER, COMMON_NAME, rest) = element(attribute)? else {
        return None;
    };
    let (tag, text, _) = element(rest)?;
    let strings = [tag::UTF8_STRING, tag::PRINTABLE_STRING, tag::IA5_STRING];
    let text = str::from_utf8(text).ok()?;
    // It goes into logs and histories, where it must not look like more than it is.
    let fits = !text.is_empty() && text.len() <= 64 && !text.contains(char::is_control);
    (strings.contains(&tag) && fits).then(|| text.to_owned())
}

/// The first element: its tag, its content, and what is behind it. Lengths up to 65,535.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((*tag, content, behind))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    fn certificate(names: &[(DnType, &str)], dns: &[&str]) -> CertificateDer<'static> {
        let dns: Vec<_> = dns.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(dns).expect("names");
        params.distinguished_name = DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        let key = KeyPair::generate().expect("a key");
        params
            .self_signed(&key)
            .expect("a certificate")
            .der()
            .clone()
    }

    #[test]
    fn the_common_name_is_the_name() {
        let organisation = (DnType::OrganizationName, "Example");
        let named = certificate(
            &[organisation.clone(), (DnType::CommonName, "ops é")],
            &["ops.example"],
        );
        assert_eq!(name(&named), "ops é");
        let by_dns = certificate(std::slice::from_ref(&organisation), &["ops.example"]);
        assert_eq!(name(&by_dns), "ops.example");
        let unnamed = certificate(&[organisation], &[]);
        assert!(name(&unnamed).starts_with("sha256 "), "{}", name(&unnamed));
        let liar = certificate(&[(DnType::CommonName, "a\nb")], &["ops.example"]);
        assert_eq!(name(&liar), "ops.example");
    }

    #[test]
    fn a_name_that_is_cut_short_is_none() {
        let whole = [
            0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03, b'o', b'p', b's',
        ];
        assert_eq!(common_name(&whole), Some("ops".to_owned()));
        for length in 0..whole.len() {
            assert_eq!(common_name(&whole[..length]), None, "{length}");
        }
    }
}
