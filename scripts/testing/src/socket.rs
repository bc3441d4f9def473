//! The other side's sockets, and what is expected of them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{ChildStdout, Command};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::program::an_end;
use crate::{A_WHILE, DEADLINE, Program, Subject, TCP_REPLY, UDP_REPLY, ensure, fail, words};

/// The other side of a conversation, whichever protocol it speaks: what it sends and expects is a
/// datagram, or bytes in a stream.
pub enum Peer {
    /// A socket, and whom it talks to: a client the first one who has sent something.
    Udp(UdpSocket, Option<SocketAddr>),
    /// A connection.
    Tcp(TcpStream),
}

impl Peer {
    /// A client of `server`, which is called `name`.
    pub fn of(name: &str, server: SocketAddr) -> Peer {
        if name.starts_with("udp") {
            let local = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
            let socket = UdpSocket::bind(local).expect("a free UDP port");
            Peer::Udp(socket, Some(server))
        } else {
            Peer::Tcp(connect(server))
        }
    }

    /// The server's end of a conversation at `host`, and its client, started by what `under` makes of
    /// its command, with its stdout unread.
    pub fn with_client(
        subject: &Subject,
        host: &str,
        under: fn(Command) -> Command,
    ) -> (Peer, Program, ChildStdout) {
        let own = host.replace("localhost", "127.0.0.1");
        let start = |address: io::Result<SocketAddr>| {
            let port = address.expect("the socket's address").port().to_string();
            Program::start_unread(under(subject.with(&[host, &port])))
        };
        if subject.name.starts_with("udp") {
            let socket = UdpSocket::bind((own.as_str(), 0)).expect("a free UDP port");
            let (program, stdout) = start(socket.local_addr());
            (Peer::Udp(socket, None), program, stdout)
        } else {
            let listener = TcpListener::bind((own.as_str(), 0)).expect("a free TCP port");
            let (program, stdout) = start(listener.local_addr());
            (Peer::Tcp(accept(&listener)), program, stdout)
        }
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
            let english = "expected {} to be taken, but {}";
            fail(english, "{} 应能送达，结果：{}", &[&readable(message), &reason(&error)]);
        }
    }

    /// Waits for `message`, and for nothing more.
    pub fn expects(&mut self, message: &[u8]) {
        match self {
            Peer::Tcp(connection) => expect_bytes(connection, message),
            Peer::Udp(socket, peer) => {
                let (received, from) = datagram(socket);
                let (expected, got) = (readable(message), readable(&received));
                let english = "expected the datagram {}, but received {}";
                ensure(
                    received == message,
                    english,
                    "应收到数据报 {}，但收到 {}",
                    &[&expected, &got],
                );
                let right = *peer.get_or_insert(from);
                let english = "expected the datagram {} from {}, but it came from {}";
                let chinese = "数据报 {} 应来自 {}，但它来自 {}";
                ensure(from.port() == right.port(), english, chinese, &[&got, &right, &from]);
            }
        }
    }

    /// Waits for `message` and answers it with `reply`.
    pub fn answers(&mut self, message: &[u8], reply: &[u8]) {
        self.expects(message);
        self.sends(reply);
    }

    /// For a while there is nothing more from the other side, nor does it leave.
    pub fn expects_nothing_yet(&mut self) {
        let mut buffer = [0; 2000];
        match self.receives_within(A_WHILE, &mut buffer) {
            Ok(0) if matches!(self, Peer::Tcp(_)) => fail(
                "expected it to wait, but it closes the connection",
                "它应等待，却关闭了连接",
                &[],
            ),
            Ok(size) => {
                let more = readable(&buffer[..size]);
                fail(
                    "expected nothing yet, but received {}",
                    "此时不应收到内容，却收到 {}",
                    &[&more],
                )
            }
            Err(_) => {}
        }
    }

    /// Receives once, waiting no longer than `patience`: how many bytes.
    pub(crate) fn receives_within(
        &mut self,
        patience: Duration,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        match self {
            Peer::Udp(socket, _) => {
                socket.set_read_timeout(Some(patience))?;
                socket.recv(buffer)
            }
            Peer::Tcp(connection) => {
                connection.set_read_timeout(Some(patience))?;
                let received = connection.read(buffer);
                connection.set_read_timeout(Some(DEADLINE))?;
                received
            }
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

    /// Closes the connection by a reset.
    pub fn resets(mut self) {
        // RST instead of FIN.
        SockRef::from(&*self.tcp()).set_linger(Some(Duration::ZERO)).expect("an abortive close");
    }
}

/// The next datagram at `socket`, and its sender.
pub fn datagram(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 65_535];
    socket.set_read_timeout(Some(A_MOMENT)).expect("a timeout");
    match await_peer(|| socket.recv_from(&mut buffer)) {
        Ok((size, peer)) => (buffer[..size].to_vec(), peer),
        Err(why) => {
            let english = "expected a datagram from the program, but {}";
            fail(english, "应收到程序发来的数据报，结果：{}", &[&why])
        }
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
            Err(error) if !is_silence(&error) => return Err(reason(&error)),
            Err(error) if started.elapsed() > DEADLINE => return Err(reason(&error)),
            // What it sent before its end has come by the second look.
            Err(_) if end.is_some() => return Err(end.unwrap_or_default()),
            Err(_) => end = an_end(),
        }
    }
}

fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Asks until `what` has `happened`, for what no system call can be waited for. A panic says `what`
/// was waited for in vain.
pub fn wait_until(what: &str, happened: impl FnMut() -> bool) {
    wait_within(DEADLINE, what, happened);
}

/// The same with another `patience`.
pub fn wait_within(patience: Duration, what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        let english = "waited {} seconds in vain: {}";
        let seconds = patience.as_secs();
        ensure(started.elapsed() < patience, english, "等了 {} 秒仍未：{}", &[&seconds, &what]);
        thread::sleep(Duration::from_millis(5));
    }
}

/// A UDP socket on a free port of 127.0.0.1.
pub fn udp_socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    socket
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
        Err(why) => {
            let english = "expected a client at HOST and PORT, its arguments, but {}";
            fail(english, "客户端应连接参数给出的 HOST 和 PORT，结果：{}", &[&why])
        }
    }
}

/// A connection to `server`.
pub fn connect(server: SocketAddr) -> TcpStream {
    match TcpStream::connect_timeout(&server, DEADLINE) {
        Ok(connection) => with_deadline(connection),
        Err(error) => {
            let why = an_end().unwrap_or(error.to_string());
            fail("expected a connection to {}, but {}", "应能连接 {}，结果：{}", &[&server, &why])
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
            Ok(0) => break words("the program has closed it", "程序关闭了连接", &[]),
            Ok(size) => received.extend_from_slice(&buffer[received.len()..][..size]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {} // signal(7)
            Err(error) => break reason(&error),
        }
        if received == expected {
            return;
        } else if !expected.starts_with(&received) {
            break words("that is something else", "内容不符", &[]);
        }
    };
    fail(
        "expected {} on the connection, but received {}: {}",
        "连接上应收到 {}，实际收到 {}：{}",
        &[&readable(expected), &readable(&received), &but],
    )
}

/// Waits until the other side has closed `connection`, with nothing more sent.
pub fn expect_closed(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    let but = match connection.read_to_end(&mut rest) {
        Ok(0) => return,
        Ok(_) => words("received {}", "收到 {}", &[&readable(&rest)]),
        Err(error) => reason(&error),
    };
    fail("expected the connection to be closed, but {}", "连接应被关闭，结果：{}", &[&but])
}

/// Bytes in a sentence: the replies by their name, all else as Rust writes them.
pub fn readable(bytes: &[u8]) -> String {
    match bytes {
        b"" => words("nothing", "（无）", &[]),
        UDP_REPLY => words("the UDP server's reply", "UDP 服务器的回复", &[]),
        TCP_REPLY => words("the TCP server's reply", "TCP 服务器的回复", &[]),
        _ => {
            let (start, size) = (&bytes[..bytes.len().min(60)], bytes.len());
            let start = format!("b\"{}\"", start.escape_ascii());
            match (is_utf8(bytes), size > 60) {
                (true, _) => words(
                    "{} (which is UTF-8 and not GBK)",
                    "{}（这是 UTF-8，不是 GBK）",
                    &[&start],
                ),
                (_, true) => words("{}… ({} bytes)", "{}…（{} 字节）", &[&start, &size]),
                _ => start,
            }
        }
    }
}

/// Whether that is UTF-8 beyond ASCII, of which the end may be missing.
fn is_utf8(bytes: &[u8]) -> bool {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_some() => 0,
        Err(error) => error.valid_up_to(),
        Ok(text) => text.len(),
    };
    !bytes[..whole].is_ascii()
}

/// Why nothing could be received; what a deadline is called differs between systems.
fn reason(error: &io::Error) -> String {
    match an_end() {
        Some(end) => end,
        None if is_silence(error) => {
            words("nothing came for {} seconds", "在 {} 秒内没有收到", &[&DEADLINE.as_secs()])
        }
        None if [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()) => {
            words(
                "the program has closed the connection before it had received all ({})",
                "程序没有收完就关闭了连接（{}）",
                &[&error],
            )
        }
        None => error.to_string(),
    }
}
