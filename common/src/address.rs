//! Where a server listens and a client sends: the constants, and what the command line says.

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::{env, ffi::OsString, io, io::ErrorKind};

use anyhow::{Context, Result};

use crate::screen::{note, print_line};

/// The default host: this machine alone. A server for other machines is started with `0.0.0.0`.
pub const HOST: &str = "127.0.0.1";

/// The default port (tutorial).
pub const PORT: u16 = 7890;

/// Reads the command line, `[HOST [PORT]]`, and calls `body` with this address. The exit status is
/// that of `body`; 1 if it fails, with the reason on stderr; 2 if the command line is wrong.
pub fn run(program: &str, body: fn(SocketAddr) -> Result<ExitCode>) -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let usage = format!("usage: {program} [HOST [PORT]]");
    if arguments.iter().any(|word| word == "-h" || word == "--help") {
        let help = format!(
            "{usage}

  HOST  a name, an IPv4 or an IPv6 address; default {HOST}
  PORT  0 to 65535, for a server 0 takes a free one; default {PORT}

-h or --help prints this, -V or --version the version."
        );
        print_line(program, format_args!("{help}"));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|word| word == "-V" || word == "--version") {
        print_line(program, format_args!("{program} {}", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    match host_and_port(arguments) {
        Ok((host, port)) => resolve(&host, port).and_then(body).unwrap_or_else(|error| {
            note(program, format_args!("{error:#}")); // `:#` shows the whole reason
            ExitCode::FAILURE
        }),
        Err(wrong) => {
            note(program, format_args!("{wrong}\n{program}: {usage}"));
            ExitCode::from(2)
        }
    }
}

/// Host and port, or one line that says what is wrong; `{:?}` escapes what would break the line.
fn host_and_port(arguments: Vec<OsString>) -> Result<(String, u16), String> {
    let mut words = Vec::new();
    for argument in arguments {
        match argument.into_string() {
            Ok(word) if word.starts_with('-') => return Err(format!("unknown option {word:?}")),
            Ok(word) => words.push(word),
            Err(raw) => return Err(format!("{raw:?} is not Unicode")),
        }
    }
    if let Some(third) = words.get(2) {
        return Err(format!("too many arguments, from {third:?} on"));
    }
    let mut host = words.first().map_or("", String::as_str);
    if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
        host = HOST; // on every machine, whatever its resolver says
    }
    // As a host, 7890 is 0.0.30.210 (inet_aton(3)), and 0 is every address of this machine.
    if host.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{host:?} is not a host; the port comes after it"));
    }
    let Some(digits) = words.get(1) else { return Ok((host.to_owned(), PORT)) };
    match digits.parse() {
        Ok(port) if !digits.starts_with('+') => Ok((host.to_owned(), port)), // `parse` takes a plus
        _ => Err(format!("{digits:?} is not a port (0 to 65535)")),
    }
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr> {
    let found =
        (host, port).to_socket_addrs().with_context(|| format!("cannot resolve {host:?}"))?;
    prefer_ipv4(&found.collect::<Vec<_>>()).with_context(|| format!("{host:?} has no address"))
}

/// The first IPv4 address, like the tutorial's AF_INET, or else the first IPv6 address.
fn prefer_ipv4(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let first_ipv4 = addresses.iter().find(|address| address.is_ipv4());
    first_ipv4.or(addresses.first()).copied()
}

/// What Windows reports as a reset, if nobody listens where a datagram was sent.
pub fn as_refused(error: io::Error) -> io::Error {
    let is_reset = error.kind() == ErrorKind::ConnectionReset;
    if is_reset { io::Error::other("Connection refused") } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<(String, u16), String> {
        host_and_port(arguments.iter().map(OsString::from).collect())
    }

    fn address(host: &str, port: u16) -> Result<(String, u16), String> {
        Ok((host.to_owned(), port))
    }

    #[test]
    fn what_is_not_given_or_empty_has_its_default() {
        assert_eq!(parsed(&[]), address("127.0.0.1", 7890));
        assert_eq!(parsed(&[""]), address("127.0.0.1", 7890));
        assert_eq!(parsed(&["", "1"]), address("127.0.0.1", 1));
        assert_eq!(parsed(&["LocalHost", "1"]), address("127.0.0.1", 1));
        assert_eq!(parsed(&["::1"]), address("::1", 7890));
        assert_eq!(parsed(&["host", "0"]), address("host", 0));
        assert_eq!(parsed(&["host", "65535"]), address("host", 65535));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong: [(&[&str], &str); 8] = [
            (&["--"], r#"unknown option "--""#),
            (&["-\n"], r#"unknown option "-\n""#),
            (&["a", "b", "c"], r#"too many arguments, from "c" on"#),
            (&["a", "1", "\u{1b}"], r#"too many arguments, from "\u{1b}" on"#),
            (&["a", "\u{85}"], r#""\u{85}" is not a port (0 to 65535)"#),
            (&["0"], r#""0" is not a host; the port comes after it"#),
            (&["7890"], r#""7890" is not a host; the port comes after it"#),
            (&["2130706433"], r#""2130706433" is not a host; the port comes after it"#),
        ];
        for (arguments, named) in wrong {
            assert_eq!(parsed(arguments), Err(named.to_owned()));
        }
        for port in ["65536", "-0", "+1", " 1", "1 ", "", "0x1", "１"] {
            assert!(parsed(&["a", port]).unwrap_err().contains(port), "{port:?}");
        }
        assert_eq!(parsed(&["127.1", "1"]), address("127.1", 1));
        assert_eq!(parsed(&["7890a", "1"]), address("7890a", 1));
    }

    #[test]
    #[cfg(unix)]
    fn an_argument_that_is_not_unicode_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let wrong = OsString::from_vec(b"a\xff".to_vec());
        assert_eq!(host_and_port(vec![wrong]), Err(r#""a\xFF" is not Unicode"#.to_owned()));
    }

    #[test]
    fn an_address_is_itself() {
        assert_eq!(resolve("::1", 1).unwrap().to_string(), "[::1]:1");
        assert_eq!(resolve("127.0.0.1", 1).unwrap().to_string(), "127.0.0.1:1");
    }

    #[test]
    fn a_name_means_its_first_ipv4_address_if_it_has_one() {
        let [v6, other_v6, v4, other_v4] =
            ["[::1]:1", "[::2]:1", "127.0.0.1:1", "127.0.0.2:1"].map(|text| text.parse().unwrap());
        assert_eq!(prefer_ipv4(&[v6, v4, other_v6, other_v4]), Some(v4));
        assert_eq!(prefer_ipv4(&[v6, other_v6]), Some(v6));
        assert_eq!(prefer_ipv4(&[]), None);
    }

    #[test]
    fn what_windows_calls_a_reset_is_a_refusal_and_all_else_stays() {
        let [reset, refused] = [ErrorKind::ConnectionReset, ErrorKind::ConnectionRefused];
        assert_eq!(as_refused(reset.into()).to_string(), "Connection refused");
        assert_eq!(as_refused(refused.into()).kind(), refused);
    }

    #[test]
    fn a_host_that_does_not_resolve_is_named_on_one_line() {
        let error = resolve("no such\nhost", 1).unwrap_err();
        assert!(error.to_string().contains(r#""no such\nhost""#), "{error}");
    }
}
