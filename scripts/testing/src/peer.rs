//! The other side of a conversation, whichever protocol it speaks.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use socket2::SockRef;

use crate::constants::{A_WHILE, DEADLINE};
use crate::failure::{ensure, fail, say};
use crate::socket::{datagram, expect_bytes, readable, reason};

/// The other side: what it sends and expects is a datagram, or bytes in a stream.
pub enum Peer {
    /// A socket, and the address that it talks to, if none is given that of the first sender.
    Udp(UdpSocket, Option<SocketAddr>),
    /// A connection.
    Tcp(TcpStream),
}

impl Peer {
    /// A client of the UDP server at that address.
    pub fn of_udp(server: SocketAddr) -> Peer {
        let local = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        Peer::Udp(UdpSocket::bind(local).expect("a free UDP port"), Some(server))
    }

    /// Its own address.
    pub fn address(&self) -> SocketAddr {
        let address = match self {
            Peer::Udp(socket, _) => socket.local_addr(),
            Peer::Tcp(connection) => connection.local_addr(),
        };
        address.expect("the socket's address")
    }

    /// Sends `message`.
    pub fn sends(&mut self, message: &[u8]) {
        let sent = match self {
            Peer::Udp(socket, Some(peer)) => socket.send_to(message, *peer).map(drop),
            Peer::Udp(_, None) => panic!("nobody has sent anything that could be answered"),
            Peer::Tcp(connection) => connection.write_all(message),
        };
        if let Err(error) = sent {
            fail("{} cannot be sent to the program: {}", &[&readable(message), &reason(&error)]);
        }
    }

    /// Waits for `message`, and for nothing more.
    pub fn expects(&mut self, message: &[u8]) {
        match self {
            Peer::Tcp(connection) => expect_bytes(connection, message),
            Peer::Udp(socket, peer) => {
                let (received, from) = datagram(socket);
                let got = readable(&received);
                let english = "expected the datagram {}, but received {}";
                ensure(received == message, english, &[&readable(message), &got]);
                let right = *peer.get_or_insert(from);
                let english = "expected the datagram {} from {}, but it came from {}";
                ensure(from.port() == right.port(), english, &[&got, &right, &from]);
            }
        }
    }

    /// Waits for `message` and answers it with `reply`.
    pub fn answers(&mut self, message: &[u8], reply: &[u8]) {
        self.expects(message);
        self.sends(reply);
    }

    /// For a while the other side neither sends anything nor closes the connection.
    pub fn expects_nothing_yet(&mut self) {
        let mut buffer = [0; 2000];
        let (received, is_tcp) = match self {
            Peer::Udp(socket, _) => {
                socket.set_read_timeout(Some(A_WHILE)).expect("a timeout");
                (socket.recv(&mut buffer), false)
            }
            Peer::Tcp(connection) => {
                connection.set_read_timeout(Some(A_WHILE)).expect("a timeout");
                let received = connection.read(&mut buffer);
                connection.set_read_timeout(Some(DEADLINE)).expect("a timeout");
                (received, true)
            }
        };
        match received {
            Ok(0) if is_tcp => {
                fail("expected the program to wait, but it has closed the connection", &[])
            }
            Ok(size) => {
                fail("expected nothing yet, but received {}", &[&readable(&buffer[..size])])
            }
            Err(_) => {}
        }
    }

    /// The connection, which it has to be.
    pub fn tcp(&mut self) -> &mut TcpStream {
        match self {
            Peer::Tcp(connection) => connection,
            Peer::Udp(..) => panic!("there are no connections over UDP"),
        }
    }

    /// Closes its direction of the connection.
    pub fn half_closes(&mut self) {
        self.tcp().shutdown(Shutdown::Write).expect("the half-close");
    }

    /// Waits until the other side has closed the connection, with nothing more sent.
    pub fn expects_close(&mut self) {
        let mut rest = Vec::new();
        let but = match self.tcp().read_to_end(&mut rest) {
            Ok(0) => return,
            Ok(_) => say("received {}", &[&readable(&rest)]),
            Err(error) => reason(&error),
        };
        fail("expected the program to close the connection, but {}", &[&but])
    }

    /// Closes the connection by a reset.
    pub fn resets(mut self) {
        // RST instead of FIN.
        SockRef::from(&*self.tcp()).set_linger(Some(Duration::ZERO)).expect("an abortive close");
    }
}
