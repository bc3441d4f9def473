//! What the claims of both files need.

#![warn(missing_docs)]

use std::fmt::Debug;
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};
use testing::DEADLINE;

/// A socket as `socket.socket(AF_INET, kind)` makes it: without an address. (std makes a socket and
/// gives it one at once: `UdpSocket::bind` binds it, `TcpListener::bind` also listens, and
/// `TcpStream::connect` connects it.)
pub fn new_socket(kind: Type) -> Socket {
    let socket = Socket::new(Domain::IPV4, kind, None).expect("a new socket");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    socket.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    socket
}

/// Binds `socket` to a free port of 127.0.0.1: its address.
pub fn bind(socket: &Socket) -> SocketAddr {
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
    SocketAddr::from((Ipv4Addr::LOCALHOST, port(socket)))
}

/// The port of a socket's own address, 0 while it has none.
pub fn port(socket: &Socket) -> u16 {
    let address = socket.local_addr().ok().and_then(|address| address.as_socket());
    address.map_or(0, |address| address.port())
}

/// Which error a call has returned.
pub fn kind<T: Debug>(result: Result<T, Error>) -> ErrorKind {
    result.expect_err("expected an error").kind()
}
