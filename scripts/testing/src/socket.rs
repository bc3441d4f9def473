//! The other side's sockets, and what is expected of them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::an_end;
use crate::{DEADLINE, NI_HAO, TCP_REPLY, UDP_REPLY};

/// A UDP socket on a free port of 127.0.0.1 that waits no longer than [`DEADLINE`].
pub fn udp_socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    socket
}

/// The next datagram at `socket`, and its sender.
pub fn datagram(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 65_535];
    let patience = socket.read_timeout().expect("the socket's timeout");
    match await_peer(|| {
        socket.set_read_timeout(Some(A_MOMENT))?;
        socket.recv_from(&mut buffer)
    }) {
        Ok((size, peer)) => {
            socket.set_read_timeout(patience).expect("a timeout");
            (buffer[..size].to_vec(), peer)
        }
        Err(why) => panic!("expected a datagram, but {why}"),
    }
}

/// How long a wait goes on before it looks whether the program has ended.
const A_MOMENT: Duration = Duration::from_millis(100);

/// Calls `receive`, which waits no longer than [`A_MOMENT`], until it has something. Who waits for
/// a program that has ended is told at once.
fn await_peer<T>(mut receive: impl FnMut() -> io::Result<T>) -> Result<T, String> {
    let started = Instant::now();
    let mut end = None;
    loop {
        match receive() {
            Ok(received) => return Ok(received),
            Err(error) if !is_silence(&error) => return Err(error.to_string()),
            Err(_) if started.elapsed() > DEADLINE => return Err(silence()),
            // What it sent before its end has come by the second look.
            Err(_) if end.is_some() => return Err(end.unwrap_or_default()),
            Err(_) => end = an_end(),
        }
    }
}

fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn silence() -> String {
    format!("for {} seconds nothing came", DEADLINE.as_secs())
}

/// Closes `socket` and waits until nobody listens at its port: a program that another test is just
/// starting has a copy of it for a moment, between fork(2) and execve(2).
pub fn close_udp(socket: UdpSocket) {
    let address = socket.local_addr().expect("the socket's address");
    drop(socket);
    let probe = udp_socket();
    probe.connect(address).expect("a UDP socket can always be connected");
    probe.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    wait_until("the port is closed", || {
        let _ = probe.send(b"anybody?");
        let refused = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset]; // Windows says reset
        probe.recv(&mut [0; 1]).is_err_and(|error| refused.contains(&error.kind()))
    });
}

/// The same for a listening TCP socket.
pub fn close_tcp(listener: TcpListener) {
    let address = listener.local_addr().expect("the listener's address");
    drop(listener);
    wait_until("the port is closed", || TcpStream::connect_timeout(&address, DEADLINE).is_err());
}

/// Asks until `what` has `happened`, for what no system call can be waited for. A panic says `what`
/// was waited for in vain.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A listening TCP socket on a free port of 127.0.0.1, and its address.
pub fn tcp_listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free TCP port");
    let address = listener.local_addr().expect("the listener's address");
    (listener, address)
}

/// The next connection at `listener`, waiting no longer than [`DEADLINE`] for it and at it.
pub fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("a listener that does not block");
    let accepted =
        await_peer(|| listener.accept().inspect_err(|_| thread::sleep(Duration::from_millis(2))));
    match accepted {
        Ok((connection, _)) => {
            connection.set_nonblocking(false).expect("a connection that blocks");
            with_deadline(connection)
        }
        Err(why) => panic!("expected a client to connect, but {why}"),
    }
}

/// A connection to `server`.
pub fn connect(server: SocketAddr) -> TcpStream {
    match TcpStream::connect_timeout(&server, DEADLINE) {
        Ok(connection) => with_deadline(connection),
        Err(error) => panic!("expected {server} to accept a connection, but: {error}"),
    }
}

fn with_deadline(connection: TcpStream) -> TcpStream {
    connection.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    connection.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    connection
}

/// Sends a message to a server at `connection` and waits for its reply.
pub fn expect_served(connection: &mut TcpStream) {
    connection.write_all(NI_HAO).expect("the message is sent");
    expect_bytes(connection, TCP_REPLY);
}

/// Receives from `connection` until `expected` has come, in however many pieces.
pub fn expect_bytes(connection: &mut TcpStream, expected: &[u8]) {
    let mut received = vec![0; expected.len()];
    let expected_text = readable(expected);
    if let Err(error) = connection.read_exact(&mut received) {
        panic!("expected {expected_text} on the connection, but {}", reason(&error));
    }
    let text = readable(&received);
    assert!(
        received == expected,
        "expected {expected_text} on the connection, but received {text}"
    );
}

/// Receives once from `connection`: how many bytes.
pub fn receive(connection: &mut TcpStream, buffer: &mut [u8]) -> usize {
    loop {
        match connection.read(buffer) {
            Ok(size) => return size,
            Err(error) if error.kind() == ErrorKind::Interrupted => {} // signal(7)
            Err(error) => panic!("expected more on the connection, but {}", reason(&error)),
        }
    }
}

/// Waits until the other side has closed `connection`, with nothing more sent.
pub fn expect_closed(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    match connection.read_to_end(&mut rest) {
        Ok(0) => {}
        Ok(_) => panic!("expected the connection to be closed, but received {}", readable(&rest)),
        Err(error) => panic!("expected the connection to be closed, but {}", reason(&error)),
    }
}

/// Bytes for a message to a student: the replies by their name, all else as Rust writes them.
pub fn readable(bytes: &[u8]) -> String {
    match bytes {
        UDP_REPLY => "the UDP server's reply".to_owned(),
        TCP_REPLY => "the TCP server's reply".to_owned(),
        _ => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

/// Why nothing could be received; what a deadline is called differs between systems.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => silence(),
        ErrorKind::UnexpectedEof => "the other side closed it".to_owned(),
        _ => error.to_string(),
    }
}
