//! What the tutorial says of TCP, its nine notes above all, one test a claim, named after it.
//! Plain sockets on this machine show each claim, and where it is too simple, what is so instead.
//! `cargo test -p claims --test tcp` runs them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use claims::{bind, kind, new_socket, port};
use socket2::{SockRef, Socket, Type};
use testing::{DEADLINE, accept, connect, expect_bytes, expect_closed, tcp_listener, wait_until};

/// Makes `socket` listen.
fn listen(socket: Socket) -> TcpListener {
    socket.listen(128).expect("it listens");
    TcpListener::from(socket)
}

/// The connection of `client` to `listener`: the client's socket, and the server's for it.
fn connection_of(client: Socket, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let port = listener.local_addr().expect("the listener's address").port();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    client.connect_timeout(&server.into(), DEADLINE).expect("the server listens");
    let (client, server) = (TcpStream::from(client), accept(listener));
    assert_eq!(server.peer_addr().ok(), client.local_addr().ok());
    (client, server)
}

/// A new client's connection to `listener`.
fn connection(listener: &TcpListener) -> (TcpStream, TcpStream) {
    connection_of(new_socket(Type::STREAM), listener)
}

/// The two sockets of a connection.
fn connected() -> (TcpStream, TcpStream) {
    connection(&tcp_listener().0)
}

fn send(from: &mut TcpStream, data: &[u8]) {
    from.write_all(data).expect("it is sent");
}

/// Sends `data`, which comes to the other side and is the first that does.
fn carry(from: &mut TcpStream, to: &mut TcpStream, data: &[u8]) {
    send(from, data);
    expect_bytes(to, data);
}

/// Shuts the sending side `from`, of which the other side receives the end.
fn end(from: &TcpStream, to: &mut TcpStream) {
    from.shutdown(Shutdown::Write).expect("the half-close");
    expect_closed(to);
}

/// All that comes until the end.
fn rest(mut connection: TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    connection.read_to_end(&mut received).expect("the end and no error");
    received
}

/// Note 1: a server has to bind (绑定), or its clients do not find it. Binding gives it the address
/// that they know, and to it alone (bind(2)). So as a rule (一般): the next has the exception.
#[test]
fn a_server_must_bind_to_be_found() {
    let server = new_socket(Type::STREAM);
    assert_eq!(port(&server), 0, "expected a new socket to have no port to be found at");
    let address = bind(&server);
    let server = listen(server);
    connection(&server);
    assert_eq!(kind(TcpListener::bind(address)), ErrorKind::AddrInUse);
}

/// A server that listens without a bind gets a free port then (ip(7)). Who is told it finds the
/// server, but nobody can know it beforehand.
#[cfg(not(windows))] // where listen without bind is an error, WSAEINVAL
#[test]
fn a_server_that_did_not_bind_is_found_by_those_who_are_told_its_port() {
    connection(&listen(new_socket(Type::STREAM)));
}

/// Note 2: a client as a rule does not bind (一般不绑定). It has an address all the same: connect gives
/// it a free port (ip(7)), and the server learns which.
#[test]
fn a_tcp_client_need_not_bind() {
    let (server, _) = tcp_listener();
    let client = new_socket(Type::STREAM);
    assert_eq!(port(&client), 0, "expected a new socket to have no port");
    let (client, _for_client) = connection_of(client, &server);
    let (other, _for_other) = connection(&server);
    assert_ne!(client.local_addr().unwrap(), other.local_addr().unwrap());
}

/// The exception to note 2, for servers that ask for a known address or port. Such a port may have
/// to rest a while after a close (TIME-WAIT, RFC 9293, 3.6), which is why few clients do it.
#[test]
fn a_tcp_client_may_bind() {
    let client = new_socket(Type::STREAM);
    let chosen = bind(&client);
    let (_client, for_client) = connection_of(client, &tcp_listener().0);
    assert_eq!(for_client.peer_addr().unwrap(), chosen);
}

/// Note 3: listen makes an active socket a passive one (被动), and a TCP server cannot do without.
/// Before it nobody can be accepted (accept(2): EINVAL); after it the socket can connect nowhere.
#[test]
fn listen_makes_the_socket_passive() {
    let socket = new_socket(Type::STREAM);
    bind(&socket);
    socket.set_nonblocking(true).expect("an error instead of a wait");
    assert_eq!(kind(socket.accept()), ErrorKind::InvalidInput);

    let listener = listen(socket);
    connection(&listener);
    let (_other_server, elsewhere) = tcp_listener();
    let connected = SockRef::from(&listener).connect_timeout(&elsewhere.into(), DEADLINE);
    connected.expect_err("expected a passive socket not to connect");
}

/// Note 4: TCP must connect first (必须先链接), and only then can it send and receive. That takes a
/// server that listens: a bound port alone resets (RFC 9293, 3.5.2).
#[test]
fn tcp_must_connect_first_and_is_refused_before_listen() {
    let mut early = new_socket(Type::STREAM);
    early.write(b"hello").expect_err("expected that nothing can be sent without a connection");
    assert_eq!(kind(early.read(&mut [0; 100])), ErrorKind::NotConnected);

    let server = new_socket(Type::STREAM);
    let refused = TcpStream::connect_timeout(&bind(&server), DEADLINE);
    assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
    let (mut client, mut for_client) = connection(&listen(server));
    carry(&mut client, &mut for_client, b"hello");
}

/// The tutorial ends with the handshake (三次握手, RFC 9293, 3.5). It is the two systems that shake
/// hands, not the programs: a client connects and sends before the server calls accept (listen(2)).
#[test]
fn the_systems_shake_hands_and_accept_comes_later() {
    let (server, address) = tcp_listener();
    let mut client = connect(address);
    send(&mut client, b"hello");
    expect_bytes(&mut accept(&server), b"hello");
}

/// Note 5: for each client the server has a new socket (新的套接字), for it alone. All of them have the
/// server's port: the pair of addresses, client's and server's, tells them apart (RFC 9293, 4).
#[test]
fn each_accept_returns_a_new_socket_for_that_client() {
    let (listener, address) = tcp_listener();
    let (mut one, mut for_one) = connection(&listener);
    let (mut other, mut for_other) = connection(&listener);
    assert_eq!([&for_one, &for_other].map(|socket| socket.local_addr().unwrap()), [address; 2]);
    carry(&mut one, &mut for_one, b"from one");
    carry(&mut other, &mut for_other, b"from the other");
    carry(&mut for_one, &mut one, b"to one");
    carry(&mut for_other, &mut other, b"to the other");
}

/// `accept` returns two values (返回两个数据): the new socket, and the client's address, IP and port. The
/// second is for convenience: the socket knows it too (getpeername(2)).
#[test]
fn accept_returns_the_new_socket_and_the_clients_address() {
    let (listener, address) = tcp_listener();
    let client = connect(address);
    let (socket, from) = listener.accept().expect("it is connected, so accept does not wait");
    assert_eq!([from, socket.peer_addr().unwrap()], [client.local_addr().unwrap(); 2]);
}

/// Note 6: the listening socket (被动套接字) takes new clients, the one from accept stands for its
/// client. The listening one carries no data, and is not used up: it takes the next.
#[test]
fn the_listening_socket_takes_clients_and_carries_no_data() {
    let (listener, address) = tcp_listener();
    let mut client = connect(address);
    send(&mut client, b"hello");
    let listening = SockRef::from(&listener);
    listening.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    listening.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    let mut listening = &*listening;
    assert_eq!(kind(listening.read(&mut [0; 100])), ErrorKind::NotConnected);
    listening.write(b"hello").expect_err("expected that a listening socket cannot send");

    expect_bytes(&mut accept(&listener), b"hello");
    connection(&listener);
}

/// Note 7: with the listening socket closed (关闭listen后的套接字), new clients are refused, and those
/// connected go on. Closed means its last handle: a child process may have a copy (close(2)).
#[test]
fn closing_the_listening_socket_refuses_newcomers_and_leaves_the_connected_alone() {
    let (listener, address) = tcp_listener();
    let (mut client, mut for_client) = connection(&listener);
    drop(listener);
    let newcomer = TcpStream::connect_timeout(&address, DEADLINE);
    assert_eq!(kind(newcomer), ErrorKind::ConnectionRefused);
    carry(&mut client, &mut for_client, b"still here?");
    carry(&mut for_client, &mut client, b"yes");
}

/// Note 7 leaves out who is connected and waits for accept (listen(2): backlog): the system resets
/// them. "Connected before" (之前已经链接成功) has to mean "accepted before".
#[test]
fn closing_the_listening_socket_resets_those_that_still_wait_for_accept() {
    let (listener, address) = tcp_listener();
    let (mut accepted, mut for_accepted) = connection(&listener);
    let mut waiting = connect(address);
    drop(listener);
    assert_eq!(kind(waiting.read(&mut [0; 100])), ErrorKind::ConnectionReset);
    carry(&mut for_accepted, &mut accepted, b"you are in");
}

/// Note 8: to close the socket from accept (关闭accept返回的套接字) is to be done with that client alone,
/// which receives the end; or a reset, when data of its is unread (RFC 2525, 2.17).
#[test]
fn closing_the_accepted_socket_ends_that_clients_service() {
    let (listener, _) = tcp_listener();
    let (mut leaving, for_leaving) = connection(&listener);
    let (mut staying, mut for_staying) = connection(&listener);
    drop(for_leaving);
    expect_closed(&mut leaving);

    carry(&mut for_staying, &mut staying, b"you are not meant");
    let (mut newcomer, mut for_newcomer) = connection(&listener);
    carry(&mut for_newcomer, &mut newcomer, b"nor are you");
}

/// Reliable (可靠的) does not mean received. A send succeeds when this machine has taken the data
/// (send(2)), even for a server that has closed: the reset that this brings fails those after it.
#[test]
fn a_send_that_succeeded_may_have_reached_nobody() {
    let (mut client, for_client) = connected();
    drop(for_client);
    expect_closed(&mut client);
    send(&mut client, b"is anybody there?");

    // Which of the later ones fails, and with what, is a matter of moments and of the system.
    let reset = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted];
    wait_until("a later send fails", || {
        client.write(b"hello?").is_err_and(|error| reset.contains(&error.kind()))
    });
}

/// Note 9: when the client closes, the server's receive stops waiting (解堵塞) and returns 0, once all
/// that was sent is received, and each time again (recv(2)). The next two: what 0 does not tell.
#[test]
fn a_closed_client_makes_receive_return_0() {
    let (mut client, mut for_client) = connected();
    let server = thread::spawn(move || {
        expect_bytes(&mut for_client, b"goodbye");
        [(); 2].map(|()| for_client.read(&mut [0; 100]).expect("an end and no error"))
    });
    send(&mut client, b"goodbye");
    drop(client);
    assert_eq!(server.join().expect("the server gets the goodbye"), [0, 0]);
}

/// Not every 0 is a client that has gone: one that has only shut its sending side (shutdown(2))
/// still waits for its answer. 0 means that no more will come, and nothing else.
#[test]
fn a_half_closed_client_makes_receive_return_0_and_still_hears() {
    let (mut client, mut server) = connected();
    carry(&mut client, &mut server, b"that is all");
    end(&client, &mut server);
    carry(&mut server, &mut client, b"thank you");
}

/// Not every client that goes brings a 0: a reset is an error (RFC 9293, 3.5.3), which ends the
/// tutorial's server. It comes of a close with data unread, or at will, as here. Of a client that
/// loses power or its cable nothing comes at all, unless the server asks (SO_KEEPALIVE).
#[test]
fn a_client_that_resets_makes_receive_fail() {
    let (client, mut server) = connected();
    let at_once = Some(Duration::ZERO); // SO_LINGER: no goodbye (socket(7))
    SockRef::from(&client).set_linger(at_once).expect("the option is set");
    drop(client);
    assert_eq!(kind(server.read(&mut [0; 100])), ErrorKind::ConnectionReset);
}

/// The goodbye in four steps (四次挥手): each direction is closed for itself, by a FIN that the other
/// side acknowledges (RFC 9293, 3.6), and in between one side may go on. Often the second FIN goes
/// with the first one's acknowledgement: three segments.
#[test]
fn each_direction_closes_by_itself() {
    let (mut client, mut server) = connected();
    end(&server, &mut client);
    carry(&mut client, &mut server, b"one more thing");
    end(&client, &mut server);
}

/// A stream has no boundaries (数据边界): what two sends sent, one receive can take, and what one sent
/// may take two (tcp(7)). `recv(1024)` is some bytes; who needs messages marks them.
#[test]
fn a_stream_keeps_no_boundaries() {
    let (mut client, mut server) = connected();
    send(&mut client, b"one");
    send(&mut client, b"two");
    // Once both are here (peek looks and takes nothing), one receive takes both.
    wait_until("both sends come", || server.peek(&mut [0; 6]).expect("it is open") == 6);
    let mut buffer = [0; 100];
    assert_eq!(server.read(&mut buffer).expect("it is open"), 6);
    assert_eq!(&buffer[..6], b"onetwo");

    send(&mut client, b"three");
    expect_bytes(&mut server, b"th");
    expect_bytes(&mut server, b"ree");
}

/// A stream is in order and repeats nothing (顺序的、不会重复的). Segments may come out of order, as the
/// tutorial says: TCP sorts them before any receive (RFC 9293, 3.4), and no program ever sees it.
#[test]
fn a_stream_keeps_its_order() {
    let (mut client, server) = connected();
    let sent: Vec<u8> = (0..250_000_u32).flat_map(u32::to_be_bytes).collect();
    let pieces = sent.clone();
    thread::spawn(move || pieces.chunks(7_001).try_for_each(|piece| client.write_all(piece)));
    assert!(rest(server) == sent, "expected the same bytes in the same order");
}

/// A stream is reliable (可靠的): where a datagram would be lost to a receiver that is too slow, TCP
/// makes the sender wait (RFC 9293, 3.8.6). While the connection lasts, what was sent comes.
#[test]
fn a_stream_makes_the_sender_wait_and_loses_nothing() {
    let (mut client, server) = connected();
    // The server does not read, and at some point a send would have to wait.
    client.set_nonblocking(true).expect("an error instead of a wait");
    let mut sent = 0;
    let full = loop {
        match client.write(&[b'a'; 100_000]) {
            Ok(size) => sent += size,
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(full, ErrorKind::WouldBlock);

    // Now it reads, and not a byte is missing.
    drop(client);
    assert_eq!(rest(server).len(), sent);
}
