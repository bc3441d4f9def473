//! Where a server listens and a client sends: the constants, and `[HOST [PORT]]` on the command
//! line.

use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::{env, process};

use anyhow::{Context, Result};

use crate::screen::{line, note};

/// The host when none is given: this machine alone. A server that other machines are to reach
/// is started with `0.0.0.0`.
pub const HOST: &str = "127.0.0.1";

/// The port when none is given (tutorial).
pub const PORT: u16 = 7890;

/// What a command line asks for.
#[derive(Debug, PartialEq)]
enum Request {
    Address(String, u16),
    Help,
    Version,
}

/// The address that the command line names.
///
/// `--help`, `--version` and a command line that is wrong (status 2) end the `program` here, after
/// it has said what there is to say.
///
/// # Errors
/// A host that does not resolve.
pub fn from_arguments(program: &str) -> Result<SocketAddr> {
    let usage = format!("usage: {program} [HOST [PORT]]");
    match parse(env::args_os().skip(1)) {
        Ok(Request::Address(host, port)) => return resolve(&host, port),
        Ok(Request::Help) => line(program, format_args!("{}", help(&usage))),
        Ok(Request::Version) => {
            line(program, format_args!("{program} {}", env!("CARGO_PKG_VERSION")))
        }
        Err(wrong) => {
            note(program, &wrong);
            note(program, &usage);
            process::exit(2);
        }
    }
    process::exit(0);
}

fn help(usage: &str) -> String {
    format!(
        "{usage}

  HOST  a name, an IPv4 or an IPv6 address; default {HOST}
  PORT  0 to 65535, for a server 0 takes a free one; default {PORT}

  -h, --help     print this and leave
  -V, --version  print the version and leave"
    )
}

/// Reads the arguments after the program's name; the error is one line that says what is wrong.
fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Request, String> {
    let mut operands = Vec::new();
    for argument in arguments {
        // Debug quotes it and escapes what would break the line.
        let argument = argument.into_string().map_err(|raw| format!("{raw:?} is not Unicode"))?;
        match argument.as_str() {
            "-h" | "--help" => return Ok(Request::Help),
            "-V" | "--version" => return Ok(Request::Version),
            option if option.starts_with('-') => return Err(format!("unknown option {option:?}")),
            _ => operands.push(argument),
        }
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
    let host = operands.first().filter(|host| !host.is_empty());
    // As a host, 7890 is 0.0.30.210 (inet_aton(3)), and 0 is every address of this machine.
    if let Some(digits) = host.filter(|host| host.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("{digits:?} is not a host; the port comes after it"));
    }
    Ok(Request::Address(host.map_or(HOST, String::as_str).to_owned(), port))
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr> {
    let addresses: Vec<_> = (host, port)
        .to_socket_addrs()
        .with_context(|| format!("cannot resolve {host:?}"))?
        .collect();
    choose(&addresses).with_context(|| format!("cannot resolve {host:?}: it has no address"))
}

/// The one address that a name means: its first IPv4 address, as the tutorial's AF_INET, or where
/// it has none its first IPv6 address. `localhost` is 127.0.0.1, whatever the resolver puts first.
fn choose(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    ipv4.or(addresses.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Request, String> {
        parse(arguments.iter().map(OsString::from))
    }

    fn address(host: &str, port: u16) -> Result<Request, String> {
        Ok(Request::Address(host.to_owned(), port))
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
    fn an_option_counts_wherever_it_stands() {
        assert_eq!(parsed(&["host", "--help"]), Ok(Request::Help));
        assert_eq!(parsed(&["-h"]), Ok(Request::Help));
        assert_eq!(parsed(&["host", "1", "-V"]), Ok(Request::Version));
        assert_eq!(parsed(&["--version"]), Ok(Request::Version));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parsed(&["--"]), Err(r#"unknown option "--""#.to_owned()));
        assert_eq!(parsed(&["a", "b", "c"]), Err(r#"too many arguments, from "c" on"#.to_owned()));
        for port in ["65536", "-0", "+1", " 1", "1 ", "", "0x1", "１"] {
            assert!(parsed(&["a", port]).unwrap_err().contains(port), "{port:?}");
        }
    }

    #[test]
    fn digits_alone_are_a_port_in_the_wrong_place() {
        for port in ["0", "7890", "2130706433"] {
            let error = parsed(&[port]).unwrap_err();
            assert_eq!(error, format!("\"{port}\" is not a host; the port comes after it"));
        }
        assert_eq!(parsed(&["127.1", "1"]), address("127.1", 1));
        assert_eq!(parsed(&["7890a", "1"]), address("7890a", 1));
    }

    #[test]
    #[cfg(unix)]
    fn an_argument_that_is_not_unicode_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let wrong = OsString::from_vec(b"a\xff".to_vec());
        assert_eq!(parse([wrong].into_iter()), Err(r#""a\xFF" is not Unicode"#.to_owned()));
    }

    #[test]
    fn an_address_is_itself_and_localhost_is_ipv4() {
        assert_eq!(resolve("::1", 1).unwrap().to_string(), "[::1]:1");
        assert_eq!(resolve("127.0.0.1", 1).unwrap().to_string(), "127.0.0.1:1");
        assert_eq!(resolve("localhost", 1).unwrap().to_string(), "127.0.0.1:1");
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
    fn a_host_that_does_not_resolve_is_named_on_one_line() {
        let error = resolve("no such\nhost", 1).unwrap_err();
        assert!(error.to_string().contains(r#""no such\nhost""#), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_arguments_are_an_address_or_one_line_that_says_what_is_wrong(
            arguments in proptest::collection::vec(".{0,6}|-.*|[0-9]{0,6}", 0..4)
        ) {
            match parse(arguments.iter().map(OsString::from)) {
                Ok(Request::Address(host, port)) => {
                    assert!(arguments.len() <= 2 && !host.is_empty() && !host.starts_with('-'));
                    let given = arguments.get(1).map_or(PORT, |given| given.parse().unwrap());
                    assert_eq!(port, given);
                }
                Ok(_) => {}
                Err(wrong) => assert!(!wrong.contains(char::is_control), "{wrong:?}"),
            }
        }
    }
}
