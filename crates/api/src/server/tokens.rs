//! Bearer tokens (RFC 6750): who has which, and what that allows.
//!
//! The file has the hashes alone, so that whoever reads it learns no token. Tokens are long and random, which is why a
//! plain hash is enough.

use std::{collections::HashSet, str};

use hyper::{HeaderMap, header};
use ring::digest::{self, SHA256, SHA256_OUTPUT_LEN};
use subtle::ConstantTimeEq;

use crate::{Access, Caller, v1::Problem};

type Hash = [u8; SHA256_OUTPUT_LEN];

/// The callers that have tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    hash: Hash,
    caller: Caller,
}

/// A line of the file that says nothing of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct TokensError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub wrong: &'static str,
}

impl Tokens {
    /// Reads the text of a file.
    pub(super) fn parse(text: &str) -> Result<Self, TokensError> {
        let mut tokens = Vec::new();
        let mut names = HashSet::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fail = |wrong| TokensError {
                line: number + 1,
                wrong,
            };
            let (name, token) = token(line).map_err(fail)?;
            if !names.insert(name) {
                return Err(fail("the name is there already; give each token its own"));
            }
            tokens.push(token);
        }
        Ok(Self(tokens))
    }

    /// The caller whose token the request carries. Every hash is looked at, so that time tells nothing.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let Some(token) = bearer(headers) else {
            return Err(Problem::unauthorized(
                "send a token: Authorization: Bearer TOKEN",
            ));
        };
        let hash = digest::digest(&SHA256, token);
        let mut found = None;
        for token in &self.0 {
            if bool::from(token.hash.ct_eq(hash.as_ref())) {
                found = Some(&token.caller);
            }
        }
        let unknown = || Problem::unauthorized("nobody has this token");
        found.cloned().ok_or_else(unknown)
    }
}

/// What a line says: a name with its token.
fn token(line: &str) -> Result<(&str, Token), &'static str> {
    let mut parts = line.split(':');
    let name = parts.next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !(1..=63).contains(&name.len()) || !name.chars().all(fits) {
        return Err("a name has 1 to 63 characters out of a-z A-Z 0-9 . _ -");
    }
    let hash = parts.next().and_then(hash).ok_or(
        "after the name and a colon comes the SHA-256 of the token in 64 hexadecimal digits, as `printf %s TOKEN | \
         sha256sum` writes it",
    )?;
    let access = match (parts.next(), parts.next()) {
        (None, _) => Access::Write,
        (Some("read"), None) => Access::Read,
        _ => return Err("after the hash may come `:read`, and nothing else"),
    };
    let caller = Caller::new(format!("token {name}"), access);
    Ok((name, Token { hash, caller }))
}

fn hash(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    let mut hash = [0; SHA256_OUTPUT_LEN];
    if digits.len() != 2 * hash.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    /// `printf %s swordfish | sha256sum`
    const SWORDFISH: &str = "b9f195c5cc7ef6afadbfbc42892ad47d3b24c6bc94bb510c4564a90a14e8b799";

    fn with(authorization: &'static str) -> HeaderMap {
        let value = HeaderValue::from_static(authorization);
        HeaderMap::from_iter([(header::AUTHORIZATION, value)])
    }

    #[test]
    fn a_token_says_who_calls_and_what_that_allows() {
        let text = format!("# people\n\nann:{}:read\nbob:{SWORDFISH}\n", "0".repeat(64));
        let tokens = Tokens::parse(&text).expect("a good file");
        let bob = tokens.admit(&with("Bearer swordfish")).expect("it is his");
        assert_eq!(bob, Caller::new("token bob", Access::Write));
        let text = format!("ann:{}:read", SWORDFISH.to_uppercase());
        let tokens = Tokens::parse(&text).expect("a good file");
        let ann = tokens
            .admit(&with("bearer  swordfish "))
            .expect("it is hers");
        assert_eq!(ann, Caller::new("token ann", Access::Read));
    }

    #[test]
    fn without_a_token_that_somebody_has_nobody_is_let_in() {
        let tokens = Tokens::parse(&format!("bob:{SWORDFISH}")).expect("a good file");
        for wrong in [
            with("Bearer swordfisch"),
            with("Bearer "),
            with("Basic swordfish"),
            with("swordfish"),
            HeaderMap::new(),
        ] {
            assert_eq!(tokens.admit(&wrong).expect_err("nobody").status, 401);
        }
        let nobody = Tokens::parse("").expect("an empty file is good");
        assert!(nobody.admit(&with("Bearer swordfish")).is_err());
    }

    #[test]
    fn a_wrong_line_is_named() {
        let good = SWORDFISH;
        for (text, line, word) in [
            (format!("bob:{good}\nbob:{good}"), 2, "already"),
            (format!(":{good}"), 1, "1 to 63"),
            (format!("a b:{good}"), 1, "1 to 63"),
            ("bob".to_owned(), 1, "SHA-256"),
            (format!("\n\nbob:{}", &good[1..]), 3, "SHA-256"),
            (format!("bob:+{}", &good[1..]), 1, "SHA-256"),
            (format!("bob:{good}:write"), 1, ":read"),
            (format!("bob:{good}:read:read"), 1, ":read"),
        ] {
            let error = Tokens::parse(&text).expect_err(&text);
            assert_eq!(error.line, line, "{text}");
            assert!(error.wrong.contains(word), "{text}: {error}");
        }
    }
}
