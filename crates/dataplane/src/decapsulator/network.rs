//! Networks that tunnels may come from, as they are written: `10.0.0.2`, `10.9.0.0/18`, `2001:db8::/64`.

use std::{fmt, net::IpAddr, str::FromStr};

use dray_abi::{ServiceKey, TunnelSource};

/// A network: an address, and how many of its bits count; the others are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// A text that is no network. It names the text and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands before the slash is no address.
    #[error(
        "`{0}` is not an address; write one as in `10.0.0.2`, `10.9.0.0/18` or `2001:db8::/64`"
    )]
    Address(String),
    /// What stands behind it is no length.
    #[error("`{text}` is not the length of a prefix; write a number from 0 to {most}")]
    Length {
        /// What is written.
        text: String,
        /// The longest that there is.
        most: u8,
    },
    /// Bits behind the length are set.
    #[error("`{written}` has bits beyond its length; write `{network}`, or `{}` alone", written.split('/').next().unwrap_or_default())]
    Bits {
        /// What is written.
        written: String,
        /// The network that it lies in.
        network: Network,
    },
}

impl Network {
    /// The key of its entry in the map of tunnel sources.
    pub(super) fn key(self) -> TunnelSource {
        let unused = 128 - bits(self.address);
        TunnelSource {
            prefix: u32::from(unused + self.length),
            address: match self.address {
                IpAddr::V4(address) => ServiceKey::mapped(address.octets()),
                IpAddr::V6(address) => address.octets(),
            },
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| NetworkError::Address(address.to_owned()))?;
        let most = bits(address);
        let length = match length {
            None => most,
            Some(text) => length_of(text, most).ok_or_else(|| NetworkError::Length {
                text: text.to_owned(),
                most,
            })?,
        };
        let network = Self {
            address: masked(address, length),
            length,
        };
        if network.address != address {
            return Err(NetworkError::Bits {
                written: text.to_owned(),
                network,
            });
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, length } = self;
        if *length == bits(*address) {
            write!(f, "{address}")
        } else {
            write!(f, "{address}/{length}")
        }
    }
}

fn length_of(text: &str, most: u8) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|length| digits && *length <= most)
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address without what lies behind the first `length` bits.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::from((address.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::from((address.to_bits() & mask).to_be_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_read_as_they_are_shown() {
        for text in [
            "10.0.0.2",
            "10.9.0.0/18",
            "0.0.0.0/0",
            "fd00::1",
            "2001:db8::/64",
            "::/0",
        ] {
            let network: Network = text.parse().expect(text);
            assert_eq!(network.to_string(), text);
        }
        assert_eq!("10.0.0.2/32".parse::<Network>(), "10.0.0.2".parse());
    }

    #[test]
    fn an_ipv4_network_is_a_mapped_one_in_the_map() {
        let key = "10.9.0.0/18".parse::<Network>().unwrap().key();
        let address = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 0];
        assert_eq!(
            key,
            TunnelSource {
                prefix: 114,
                address
            }
        );
        assert_eq!("::/0".parse::<Network>().unwrap().key().prefix, 0);
        assert_eq!("fd00::1".parse::<Network>().unwrap().key().prefix, 128);
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_to_write() {
        let cases = [
            ("", "`` is not an address"),
            ("director", "`director` is not an address"),
            ("10.0.0/8", "`10.0.0` is not an address"),
            ("10.0.0.0/33", "a number from 0 to 32"),
            ("10.0.0.0/+8", "`+8` is not the length"),
            ("10.0.0.0/", "`` is not the length"),
            ("fd00::/129", "a number from 0 to 128"),
            ("10.9.0.1/18", "write `10.9.0.0/18`, or `10.9.0.1` alone"),
        ];
        for (text, message) in cases {
            let error = text.parse::<Network>().expect_err(text).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
