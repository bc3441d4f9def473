//! The other side of a conversation: a plain socket, whichever protocol it speaks.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::constants::{A_WHILE, DEADLINE};
use crate::failure::{ensure, fail, readable, say};
use crate::process::last_end;

/// The other side: what it sends and expects is a datagram, or bytes in a stream.
pub enum Peer {
    /// A socket, and the address that it talks to, if none is given that of the first sender.
    Udp(UdpSocket, Option<SocketAddr>),
    /// A connection.
    Tcp(TcpStream),
}

impl Peer {
    /// A new UDP socket that talks to that address.
    pub fn of_udp(other: SocketAddr) -> Peer {
        let local = if other.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        Peer::Udp(UdpSocket::bind(local).expect("a free UDP port"), Some(other))
    }

    /// This end of a connection, which waits no longer than [`DEADLINE`] if the other end takes nothing.
    pub fn of_tcp(connection: TcpStream) -> Peer {
        connection.set_write_timeout(Some(DEADLINE)).expect("a timeout");
        Peer::Tcp(connection)
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
            Peer::Udp(socket, Some(other)) => socket.send_to(message, *other).map(drop),
            Peer::Udp(_, None) => panic!("nobody has sent anything that could be answered"),
            Peer::Tcp(connection) => connection.write_all(message),
        };
        if let Err(error) = sent {
            fail("{} cannot be sent to the program: {}", &[&readable(message), &reason(&error)]);
        }
    }

    /// Receives once: a datagram, or at most `size` bytes of the connection; `None` at its end. After a
    /// while in which nothing comes that is an error.
    fn receive_once(&mut self, size: usize) -> io::Result<Option<Vec<u8>>> {
        let mut buffer = vec![0; size.max(65_535)];
        let size = match self {
            Peer::Udp(socket, other) => {
                socket.set_read_timeout(Some(A_WHILE)).expect("a timeout");
                let (size, from) = socket.recv_from(&mut buffer)?;
                let right = *other.get_or_insert(from);
                let english = "expected {} from {}, but it came from {}";
                let parts = [&readable(&buffer[..size]) as &dyn Display, &right, &from];
                ensure(from.port() == right.port(), english, &parts);
                size
            }
            Peer::Tcp(connection) => {
                connection.set_read_timeout(Some(A_WHILE)).expect("a timeout");
                match connection.read(&mut buffer[..size])? {
                    0 => return Ok(None),
                    size => size,
                }
            }
        };
        buffer.truncate(size);
        Ok(Some(buffer))
    }

    /// Waits for a datagram, or at most `size` bytes of the connection; or why there are none.
    pub fn receive(&mut self, size: usize) -> Result<Vec<u8>, String> {
        let received = await_peer(|| self.receive_once(size))?;
        received.ok_or_else(|| say("the program has closed the connection", &[]))
    }

    /// Waits for `message`: a datagram, or bytes in however many pieces, after which more may come.
    pub fn expects(&mut self, message: &[u8]) {
        let expected = readable(message);
        let mut received = Vec::new();
        loop {
            match self.receive(message.len() - received.len()) {
                Ok(more) => received.extend(more),
                Err(why) if received.is_empty() => {
                    fail("expected {} from the program, but {}", &[&expected, &why])
                }
                Err(_) => break,
            }
            if received == message {
                return;
            } else if matches!(self, Peer::Udp(..)) || !message.starts_with(&received) {
                break;
            }
        }
        let english = "expected {} from the program, but received {}";
        fail(english, &[&expected, &readable(&received)])
    }

    /// Waits for `message` and answers it with `reply`.
    pub fn answers(&mut self, message: &[u8], reply: &[u8]) {
        self.expects(message);
        self.sends(reply);
    }

    /// For a while the other side neither sends anything nor closes the connection.
    pub fn expects_nothing_yet(&mut self) {
        match self.receive_once(1_024) {
            Ok(Some(received)) => {
                fail("expected nothing yet, but received {}", &[&readable(&received)])
            }
            Err(error) if is_timeout(&error) || matches!(self, Peer::Udp(..)) => {}
            _ => fail("expected the program to wait, but it has closed the connection", &[]),
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
        let but = match await_peer(|| self.receive_once(1_024)) {
            Ok(None) => return,
            Ok(Some(more)) => say("received {}", &[&readable(&more)]),
            Err(why) => why,
        };
        fail("expected the program to close the connection, but {}", &[&but])
    }

    /// Closes the connection by a reset.
    pub fn resets(mut self) {
        // RST instead of FIN.
        SockRef::from(&*self.tcp()).set_linger(Some(Duration::ZERO)).expect("an abortive close");
    }
}

/// Calls `receive`, which does not wait for long, until it has something, or the program has ended.
pub(crate) fn await_peer<T>(mut receive: impl FnMut() -> io::Result<T>) -> Result<T, String> {
    let started = Instant::now();
    let mut has_ended = false;
    loop {
        match receive() {
            Ok(received) => return Ok(received),
            // What the program sent before its end has come by the second look.
            Err(error) if has_ended || !is_timeout(&error) || started.elapsed() > DEADLINE => {
                return Err(reason(&error));
            }
            Err(_) => has_ended = last_end().is_some(),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Why nothing could be sent or received; what a timeout is called differs between systems.
pub(crate) fn reason(error: &io::Error) -> String {
    match last_end() {
        Some(end) => end,
        None if is_timeout(error) => say("it took longer than {} seconds", &[&DEADLINE.as_secs()]),
        None if [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()) => {
            say("the program has closed the connection before it had received all ({})", &[error])
        }
        None => error.to_string(),
    }
}
