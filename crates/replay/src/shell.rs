//! The few shell lines that scenarios need: nothing is run.

use crate::{
    host::Listener,
    scenario::Dump,
    words::{NotWords, words},
};

/// What a shell line does.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// `nc -l -p PORT`, `nc -u -l -p PORT`: somebody listens on the director.
    Listen(Listener),
    /// `sleep SECONDS`
    Sleep(crate::scenario::Seconds),
    /// `ipvsadm …`
    Ipvsadm(Vec<String>),
    /// `cat` of one of IPVS's files in `/proc/net`.
    Show(Dump),
    /// `true`, or nothing.
    Nothing,
}

/// The line does what cannot be done here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be run here; a replay knows `nc [-u] -l -p PORT`, `sleep SECONDS`, `ipvsadm …`, `cat /proc/net/ip_vs…` and `true`"
)]
pub struct Unknown(String);

/// Reads a line.
///
/// # Errors
/// When it is not one of those known.
pub fn read(line: &str) -> Result<Line, Unknown> {
    let unknown = || Unknown(line.to_owned());
    let words = words(plain(line)).map_err(|_: NotWords| unknown())?;
    let list: Vec<&str> = words.iter().map(String::as_str).collect();
    match list[..] {
        [] | ["true" | ":"] => Ok(Line::Nothing),
        ["sleep", seconds] => {
            let seconds = seconds.parse().ok().and_then(crate::scenario::Seconds::new);
            seconds.map(Line::Sleep).ok_or_else(unknown)
        }
        ["nc", "-l", "-p", port] => port
            .parse()
            .map(|port| Line::Listen(Listener::Tcp(port)))
            .map_err(|_| unknown()),
        ["nc", "-u", "-l", "-p", port] | ["nc", "-l", "-u", "-p", port] => port
            .parse()
            .map(|port| Line::Listen(Listener::Udp(port)))
            .map_err(|_| unknown()),
        ["ipvsadm", ..] => Ok(Line::Ipvsadm(words[1..].to_vec())),
        ["cat", "/proc/net/ip_vs"] => Ok(Line::Show(Dump::Proc)),
        ["cat", "/proc/net/ip_vs_conn"] => Ok(Line::Show(Dump::ProcConns)),
        ["cat", "/proc/net/ip_vs_stats"] => Ok(Line::Show(Dump::ProcStats)),
        _ => Err(unknown()),
    }
}

/// The line without what only says where output goes, and that nobody waits.
fn plain(line: &str) -> &str {
    let mut line = line.trim();
    for end in [
        "&",
        "2>&1",
        ">/dev/null",
        "</dev/null",
        "> /dev/null",
        "< /dev/null",
    ] {
        line = line.strip_suffix(end).unwrap_or(line).trim_end();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_recognised_with_its_redirections() {
        let line = read("nc -l -p 8088 </dev/null >/dev/null 2>&1 &");
        assert_eq!(line, Ok(Line::Listen(Listener::Tcp(8088))));
        assert_eq!(
            read("nc -u -l -p 53 &"),
            Ok(Line::Listen(Listener::Udp(53)))
        );
    }

    #[test]
    fn what_needs_a_real_shell_is_refused() {
        assert!(read("for i in 1 2; do true; done").is_err());
        assert!(read("ip addr add 10.0.0.1/32 dev lo").is_err());
    }
}
