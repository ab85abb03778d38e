//! Forwarding methods: `NAT`, `DR`, `TUN [type {ipip|gue port NUM|gre}] [nocsum|csum|remcsum]`.

/// A forwarding method in dray's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) forward: &'static str,
    pub(super) tunnel: Option<&'static str>,
    pub(super) port: Option<u16>,
    pub(super) checksum: Option<bool>,
    /// Whether dray's checksum is another one than was asked for.
    pub(super) is_near: bool,
}

/// keepalived's, where nothing is said.
pub(super) const DEFAULT: Method = Method {
    forward: "nat",
    tunnel: None,
    port: None,
    checksum: None,
    is_near: false,
};

/// Why a method is approximated.
pub(super) const NEAR: &str =
    "dray has no remote checksums (`remcsum`): the tunnel gets a checksum of its own";

/// Reads the words behind `lvs_method`.
pub(super) fn method(words: &[String]) -> Result<Method, String> {
    let mut words = words.iter().map(String::as_str);
    let name = words.next().unwrap_or_default();
    let forward = match name {
        "NAT" => "nat",
        "DR" => "dr",
        "TUN" => "tun",
        _ => {
            return Err(format!(
                "keepalived knows no method `{name}`: NAT, DR or TUN"
            ));
        }
    };
    let mut method = Method { forward, ..DEFAULT };
    while let Some(word) = words.next() {
        match word {
            "type" => {
                method.tunnel = Some(match words.next() {
                    Some("ipip") => "ipip",
                    Some("gre") => "gre",
                    Some("gue") => "gue",
                    _ => return Err("keepalived knows no such tunnel: ipip, gre or gue".to_owned()),
                });
            }
            "port" => {
                let port = words.next().and_then(|port| port.parse().ok());
                let port = port.filter(|port| *port != 0);
                method.port = Some(port.ok_or("the tunnel's port must be 1 to 65535")?);
            }
            "nocsum" => method.checksum = None,
            "csum" => method.checksum = Some(true),
            "remcsum" => (method.checksum, method.is_near) = (Some(true), true),
            _ => return Err(format!("keepalived knows no `{word}` of a tunnel")),
        }
    }
    let is_gue = method.tunnel == Some("gue");
    if is_gue != method.port.is_some() {
        return Err("GUE needs a port, and nothing else may have one".to_owned());
    }
    if method.checksum.is_some() && !matches!(method.tunnel, Some("gue" | "gre")) {
        return Err("a tunnel of IP in IP has no checksum".to_owned());
    }
    if method.forward != "tun" {
        // keepalived reads a tunnel's options whatever the method, and then nobody looks at them.
        return Ok(Method { forward, ..DEFAULT });
    }
    Ok(method)
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT, Method, method};

    fn read(text: &str) -> Result<Method, String> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        method(&words)
    }

    #[test]
    fn methods_are_read_with_their_tunnels() {
        assert_eq!(read("NAT"), Ok(DEFAULT));
        let tunnel = Method {
            forward: "tun",
            ..DEFAULT
        };
        assert_eq!(read("TUN"), Ok(tunnel.clone()));
        let gue = Method {
            tunnel: Some("gue"),
            port: Some(6080),
            checksum: Some(true),
            is_near: true,
            ..tunnel
        };
        assert_eq!(read("TUN type gue port 6080 remcsum"), Ok(gue));
        assert!(read("TUN type gre nocsum").is_ok());
    }

    #[test]
    fn what_keepalived_does_not_take_is_told() {
        for text in [
            "nat",
            "TUN type vxlan",
            "TUN type gue",
            "TUN port 5",
            "TUN csum",
            "TUN type gue port 0",
            "DR x",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
