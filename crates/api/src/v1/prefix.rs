//! An address prefix in a query: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// An address with the number of its leading bits that count. Bits behind them are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// The text is not an address or prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address or prefix (write 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32)")]
pub struct NotAPrefix(String);

impl Prefix {
    /// Its first address.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits count, 0 to 32 or 128.
    pub const fn length(&self) -> u8 {
        self.length
    }
}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let wrong = || NotAPrefix(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let length = match length {
            Some(length) => length.parse().map_err(|_| wrong())?,
            None => bits(address),
        };
        if length > bits(address) {
            return Err(wrong());
        }
        Ok(Self {
            address: masked(address, length),
            length,
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl TryFrom<String> for Prefix {
    type Error = NotAPrefix;

    fn try_from(text: String) -> Result<Self, NotAPrefix> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    let cut = u32::from(bits(address) - length);
    match address {
        IpAddr::V4(v4) => {
            IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(cut).unwrap_or(0)).into())
        }
        IpAddr::V6(v6) => {
            IpAddr::V6((v6.to_bits() & u128::MAX.checked_shl(cut).unwrap_or(0)).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_behind_the_length_do_not_count() {
        let cases = [
            ("10.0.0.7", "10.0.0.7/32"),
            ("10.1.2.3/9", "10.0.0.0/9"),
            ("255.255.255.255/0", "0.0.0.0/0"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("2001:db8:ffff::1/33", "2001:db8:8000::/33"),
            ("ffff::/0", "::/0"),
        ];
        for (text, shown) in cases {
            let prefix: Prefix = text.parse().expect(text);
            assert_eq!(prefix.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for wrong in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "2001:db8::/129",
            "web",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(
                wrong.parse::<Prefix>(),
                Err(NotAPrefix(wrong.to_owned())),
                "{wrong}"
            );
        }
    }
}
