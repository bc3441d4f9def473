//! Where a server listens and a client sends: the constants, and what the command line says.

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::{env, ffi::OsString, io, io::ErrorKind};

use anyhow::{Context, Result, ensure};

use crate::screen::{line, note};

/// The host when none is given: this machine alone, until a server is told `0.0.0.0`.
pub const HOST: &str = "127.0.0.1";

/// The port when none is given (tutorial).
pub const PORT: u16 = 7890;

/// Runs `main` with the address that the command line, `[HOST [PORT]]`, names. Its status is the
/// `program`'s, 1 when it fails, with the reason on stderr, and 2 for a wrong command line.
pub fn run(program: &str, main: fn(SocketAddr) -> Result<ExitCode>) -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let asks = |short: &str, long: &str| arguments.iter().any(|word| word == short || word == long);
    let usage = format!("usage: {program} [HOST [PORT]]");
    if asks("-h", "--help") {
        let help = format!(
            "{usage}

  HOST  a name, an IPv4 or an IPv6 address; default {HOST}
  PORT  0 to 65535, for a server 0 takes a free one; default {PORT}

  -h, --help     print this and leave
  -V, --version  print the version and leave"
        );
        line(program, format_args!("{help}"));
        return ExitCode::SUCCESS;
    }
    if asks("-V", "--version") {
        line(program, format_args!("{program} {}", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    match parse(arguments) {
        Err(wrong) => {
            note(program, format_args!("{wrong}\n{program}: {usage}"));
            ExitCode::from(2)
        }
        Ok((host, port)) => resolve(&host, port).and_then(main).unwrap_or_else(|error| {
            note(program, format_args!("{error:#}"));
            ExitCode::FAILURE
        }),
    }
}

/// Host and port, or one line that says what is wrong. Debug escapes what would break the line.
fn parse(arguments: Vec<OsString>) -> Result<(String, u16), String> {
    let operands: Result<Vec<_>, _> = arguments.into_iter().map(OsString::into_string).collect();
    let operands = operands.map_err(|raw| format!("{raw:?} is not Unicode"))?;
    if let Some(option) = operands.iter().find(|operand| operand.starts_with('-')) {
        return Err(format!("unknown option {option:?}"));
    }
    if let Some(third) = operands.get(2) {
        return Err(format!("too many arguments, from {third:?} on"));
    }
    let port = match operands.get(1) {
        None => PORT,
        // The standard library would take a plus sign too.
        Some(digits) => match digits.parse() {
            Ok(port) if !digits.starts_with('+') => port,
            _ => return Err(format!("{digits:?} is not a port (0 to 65535)")),
        },
    };
    let host = operands.first().filter(|host| !host.is_empty()).map_or(HOST, String::as_str);
    // As a host, 7890 is 0.0.30.210 (inet_aton(3)), and 0 is every address of this machine.
    if host.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{host:?} is not a host; the port comes after it"));
    }
    Ok((host.to_owned(), port))
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr> {
    let found =
        (host, port).to_socket_addrs().with_context(|| format!("cannot resolve {host:?}"))?;
    choose(&found.collect::<Vec<_>>()).with_context(|| format!("{host:?} has no address"))
}

/// A name's first IPv4 address, as the tutorial's AF_INET, or where it has none its first IPv6
/// address: `localhost` is 127.0.0.1, whatever the resolver puts first.
fn choose(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    ipv4.or(addresses.first()).copied()
}

/// Refuses the connection of a client with itself: where nobody listens, the kernel may choose that
/// very port for the client, whose `own` address then is its `peer`'s.
pub fn refuse_oneself(own: io::Result<SocketAddr>, peer: io::Result<SocketAddr>) -> Result<()> {
    if let (Ok(own), Ok(peer)) = (own, peer) {
        ensure!(own != peer, "cannot reach {peer}: Connection refused");
    }
    Ok(())
}

/// Windows tells of a datagram that nobody listens for by a reset.
pub fn as_refused(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::ConnectionReset => io::Error::other("Connection refused"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<(String, u16), String> {
        parse(arguments.iter().map(OsString::from).collect())
    }

    fn address(host: &str, port: u16) -> Result<(String, u16), String> {
        Ok((host.to_owned(), port))
    }

    #[test]
    fn what_is_not_given_or_empty_has_its_default() {
        assert_eq!(parsed(&[]), address("127.0.0.1", 7890));
        assert_eq!(parsed(&[""]), address("127.0.0.1", 7890));
        assert_eq!(parsed(&["", "1"]), address("127.0.0.1", 1));
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
        assert_eq!(parse(vec![wrong]), Err(r#""a\xFF" is not Unicode"#.to_owned()));
    }

    #[test]
    fn an_address_is_itself_and_localhost_is_ipv4() {
        assert_eq!(resolve("::1", 1).unwrap().to_string(), "[::1]:1");
        assert_eq!(resolve("127.0.0.1", 1).unwrap().to_string(), "127.0.0.1:1");
        if testing::has_localhost() {
            assert_eq!(resolve("localhost", 1).unwrap().to_string(), "127.0.0.1:1");
        }
    }

    #[test]
    fn a_name_means_its_first_ipv4_address_if_it_has_one() {
        let [v6, other_v6, v4, other_v4] =
            ["[::1]:1", "[::2]:1", "127.0.0.1:1", "127.0.0.2:1"].map(|text| text.parse().unwrap());
        assert_eq!(choose(&[v6, v4, other_v6, other_v4]), Some(v4));
        assert_eq!(choose(&[v6, other_v6]), Some(v6));
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn a_client_is_refused_as_its_own_server_and_whatever_else_it_is_connected_to_is_fine() {
        let [one, other] = ["127.0.0.1:1", "127.0.0.1:2"].map(|text| text.parse().unwrap());
        let error = refuse_oneself(Ok(one), Ok(one)).unwrap_err().to_string();
        assert_eq!(error, "cannot reach 127.0.0.1:1: Connection refused");
        refuse_oneself(Ok(one), Ok(other)).unwrap();
        let gone = || io::Error::from(ErrorKind::NotConnected); // reset by now
        refuse_oneself(Err(gone()), Err(gone())).unwrap();
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
