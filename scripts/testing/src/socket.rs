//! Plain sockets: how they are made, and what is expected to come to them.

use std::io::{self, ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::constants::{A_WHILE, DEADLINE, TCP_REPLY, UDP_REPLY};
use crate::failure::{ensure, fail, say};
use crate::process::last_end;
use crate::program::A_SCRIPT;

/// The next datagram at `socket`, and its sender.
pub fn datagram(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 65_535];
    socket.set_read_timeout(Some(A_WHILE / 2)).expect("a timeout");
    match await_peer(|| socket.recv_from(&mut buffer)) {
        Ok((size, peer)) => (buffer[..size].to_vec(), peer),
        Err(why) => fail("expected a datagram from the program, but {}", &[&why]),
    }
}

/// Calls `receive`, which does not wait for long, until it has something, or the program has ended.
fn await_peer<T>(mut receive: impl FnMut() -> io::Result<T>) -> Result<T, String> {
    let started = Instant::now();
    let mut end = None;
    loop {
        match receive() {
            Ok(received) => return Ok(received),
            Err(error) if !is_timeout(&error) => return Err(reason(&error)),
            Err(error) if started.elapsed() > DEADLINE => return Err(reason(&error)),
            // What it sent before its end has come by the second look.
            Err(_) if end.is_some() => return Err(end.unwrap_or_default()),
            Err(_) => end = last_end(),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Asks again and again until something has `happened`; otherwise fails and says `what` did not.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        let english = "waited for {} seconds until {}, but that did not happen";
        ensure(started.elapsed() < A_SCRIPT, english, &[&A_SCRIPT.as_secs(), &say(what, &[])]);
        thread::sleep(Duration::from_millis(5));
    }
}

/// A UDP socket on a free port of 127.0.0.1.
pub fn udp_socket() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port")
}

/// The next connection at `listener`, waiting no longer than [`DEADLINE`] for it and at it.
pub fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("a listener that does not block");
    let pause = |_: &io::Error| thread::sleep(Duration::from_millis(50));
    match await_peer(|| listener.accept().inspect_err(pause)) {
        Ok((connection, _)) => {
            connection.set_nonblocking(false).expect("a connection that blocks");
            with_deadline(connection)
        }
        Err(why) => {
            fail("expected a connection to HOST and PORT, the program's arguments, but {}", &[&why])
        }
    }
}

/// A connection to `server`.
pub fn connect(server: SocketAddr) -> TcpStream {
    match TcpStream::connect_timeout(&server, DEADLINE) {
        Ok(connection) => with_deadline(connection),
        Err(error) => {
            let why = last_end().unwrap_or(error.to_string());
            fail("no connection can be made to {}: {}", &[&server, &why])
        }
    }
}

fn with_deadline(connection: TcpStream) -> TcpStream {
    connection.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    connection.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    connection
}

/// Receives from `connection` until `expected` has come, in however many pieces.
pub fn expect_bytes(connection: &mut TcpStream, expected: &[u8]) {
    let mut received = Vec::new();
    let mut buffer = vec![0; expected.len()];
    let but = loop {
        match connection.read(&mut buffer[received.len()..]) {
            Ok(0) => break say("the program has closed the connection", &[]),
            Ok(size) => received.extend_from_slice(&buffer[received.len()..][..size]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {} // signal(7)
            Err(error) => break reason(&error),
        }
        if received == expected {
            return;
        } else if !expected.starts_with(&received) {
            break say("that is something else", &[]);
        }
    };
    let (expected, received) = (readable(expected), readable(&received));
    fail("expected {} on the connection, but received {}: {}", &[&expected, &received, &but])
}

/// Bytes in a sentence: the replies by their name, all else as Rust writes them.
pub fn readable(bytes: &[u8]) -> String {
    let start = format!("b\"{}\"", bytes[..bytes.len().min(60)].escape_ascii());
    match bytes {
        b"" => say("nothing", &[]),
        UDP_REPLY => say("the UDP server's reply", &[]),
        TCP_REPLY => say("the TCP server's reply", &[]),
        _ if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() => {
            say("{} (which is UTF-8 and not GBK)", &[&start])
        }
        _ if bytes.len() > 60 => say("{}… ({} bytes)", &[&start, &bytes.len()]),
        _ => start,
    }
}

/// Why nothing could be received; what a timeout is called differs between systems.
pub(crate) fn reason(error: &io::Error) -> String {
    match last_end() {
        Some(end) => end,
        None if is_timeout(error) => {
            say("nothing came for {} seconds{}", &[&DEADLINE.as_secs(), &""])
        }
        None if [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()) => {
            say("the program has closed the connection before it had received all ({})", &[error])
        }
        None => error.to_string(),
    }
}
