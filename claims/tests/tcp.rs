//! What the tutorial says of TCP, its nine notes above all, one test a claim, named after it.
//! Plain sockets on this machine show each claim, and where it is too simple, what is so instead.
//! `cargo test -p claims --test tcp` runs them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use claims::{kind, new_socket, port};
use socket2::{SockRef, Socket, Type};
use testing::{DEADLINE, accept, connect, expect_bytes, expect_closed, tcp_listener, wait_until};

/// Binds `socket` to a free port of 127.0.0.1: its address.
fn bind(socket: &Socket) -> SocketAddr {
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
    SocketAddr::from((Ipv4Addr::LOCALHOST, port(socket)))
}

/// A new connection at `listener`: the client's socket, and the server's for it.
fn connection(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = connect(listener.local_addr().expect("the listener's address"));
    (client, accept(listener))
}

fn local(connection: &TcpStream) -> SocketAddr {
    connection.local_addr().expect("this side's address")
}

fn peer(connection: &TcpStream) -> SocketAddr {
    connection.peer_addr().expect("the other side's address")
}

// Notes 1 and 2: who has an address

/// Note 1: a server has to bind (绑定), or its clients do not find it.
/// Binding gives it the address that its clients know, and to it alone (bind(2): EADDRINUSE).
/// It is so as a rule (一般), as the note says: the next test has the exception.
#[test]
fn a_server_must_bind_to_be_found() {
    let server = new_socket(Type::STREAM);
    assert_eq!(port(&server), 0, "expected a new socket to have no port to be found at");

    let address = bind(&server);
    server.listen(128).expect("it listens");
    let server = TcpListener::from(server);
    let client = connect(address);
    assert_eq!(peer(&accept(&server)), local(&client));

    assert_eq!(kind(TcpListener::bind(address)), ErrorKind::AddrInUse);
}

/// The exception to note 1: a server that listens without a bind gets a free port then (ip(7)), and
/// whoever is told the port finds it. Nobody can know it beforehand, and every start has another.
#[cfg(not(windows))] // where listen without bind is an error, WSAEINVAL
#[test]
fn a_server_that_did_not_bind_is_found_by_those_who_are_told_its_port() {
    let server = new_socket(Type::STREAM);
    server.listen(128).expect("listening needs no bind");
    assert_ne!(port(&server), 0, "expected listen to give the socket a port");

    let told = SocketAddr::from((Ipv4Addr::LOCALHOST, port(&server)));
    let client = connect(told);
    assert_eq!(peer(&accept(&TcpListener::from(server))), local(&client));
}

/// Note 2: a client as a rule does not bind (一般不绑定): it goes to the server, so it is enough to
/// know where that is. It has an address all the same: connect gives it a free port (ip(7)), and
/// the server learns which.
#[test]
fn a_tcp_client_need_not_bind() {
    let (server, address) = tcp_listener();
    let client = new_socket(Type::STREAM);
    assert_eq!(port(&client), 0, "expected a new socket to have no port");
    client.connect_timeout(&address.into(), DEADLINE).expect("the server listens");

    let client = TcpStream::from(client);
    assert_ne!(local(&client).port(), 0, "expected connect to give the socket a port");
    assert_eq!(peer(&accept(&server)), local(&client));

    let other = connect(address);
    assert_ne!(local(&other), local(&client), "expected every client to have its own");
}

/// The exception to note 2: a client may bind, as some servers ask for a known address or port.
/// It then calls from there. Such a port serves one connection to a server at a time, and after a
/// close may have to rest a while (TIME-WAIT, RFC 9293, 3.6), which is why few clients do it.
#[test]
fn a_tcp_client_may_bind() {
    let (server, address) = tcp_listener();
    let client = new_socket(Type::STREAM);
    let chosen = bind(&client);
    client.connect_timeout(&address.into(), DEADLINE).expect("the server listens");
    assert_eq!(peer(&accept(&server)), chosen);
}

// Notes 3 and 4: listen and connect

/// Note 3: listen makes an active socket a passive one (被动), and a TCP server cannot do without.
/// Before it no client can be accepted (accept(2): EINVAL); after it the socket accepts and can
/// connect nowhere (POSIX, connect()): the sockets that carry data are those from accept.
#[test]
fn listen_makes_the_socket_passive() {
    let socket = new_socket(Type::STREAM);
    let address = bind(&socket);
    socket.set_nonblocking(true).expect("an error instead of a wait");
    assert_eq!(kind(socket.accept()), ErrorKind::InvalidInput);
    socket.set_nonblocking(false).expect("a wait again");

    socket.listen(128).expect("it listens");
    let listener = TcpListener::from(socket);
    let client = connect(address);
    assert_eq!(peer(&accept(&listener)), local(&client));

    let (_other_server, elsewhere) = tcp_listener();
    let connected = SockRef::from(&listener).connect(&elsewhere.into());
    connected.expect_err("expected a passive socket not to connect");
}

/// Note 4 and the general part: TCP must connect first (必须先链接), and only then can it send and
/// receive (ENOTCONN or EPIPE before, send(2), recv(2)). Connecting takes a server that listens: a
/// bound port alone is refused, answered with a reset (RFC 9293, 3.5.2).
#[test]
fn tcp_must_connect_first_and_is_refused_before_listen() {
    let mut early = new_socket(Type::STREAM);
    early.write(b"hello").expect_err("expected that nothing can be sent without a connection");
    assert_eq!(kind(early.read(&mut [0; 100])), ErrorKind::NotConnected);

    let server = new_socket(Type::STREAM);
    let address = bind(&server);
    let refused = TcpStream::connect_timeout(&address, DEADLINE);
    assert_eq!(kind(refused), ErrorKind::ConnectionRefused);

    server.listen(128).expect("it listens");
    let mut client = connect(address);
    client.write_all(b"hello").expect("a connection can be written");
    expect_bytes(&mut accept(&TcpListener::from(server)), b"hello");
}

/// The tutorial ends with the handshake (三次握手): three segments, and both sides know that the
/// other is there (RFC 9293, 3.5). It is the two systems that shake hands, not the two programs:
/// connect succeeds, and data can be sent, before the server has called accept (listen(2)).
#[test]
fn the_systems_shake_hands_and_accept_comes_later() {
    let (server, address) = tcp_listener();
    let mut client = connect(address);
    client.write_all(b"hello").expect("a connection can be written");
    assert_eq!(peer(&client), address);

    // Only now does the server see to it.
    expect_bytes(&mut accept(&server), b"hello");
}

// Notes 5 and 6: accept

/// Note 5: for each client that connects the server has a new socket (新的套接字), for it alone.
/// All of them have the server's port: what tells them apart is the pair of addresses, the
/// client's and the server's (RFC 9293, 4: connection).
#[test]
fn each_accept_returns_a_new_socket_for_that_client() {
    let (listener, address) = tcp_listener();
    let (mut one, mut for_one) = connection(&listener);
    let (mut other, mut for_other) = connection(&listener);
    assert_eq!((local(&for_one), peer(&for_one)), (address, local(&one)));
    assert_eq!((local(&for_other), peer(&for_other)), (address, local(&other)));

    one.write_all(b"from one").expect("it is sent");
    other.write_all(b"from the other").expect("it is sent");
    expect_bytes(&mut for_other, b"from the other");
    expect_bytes(&mut for_one, b"from one");
    for_one.write_all(b"to one").expect("it is sent");
    for_other.write_all(b"to the other").expect("it is sent");
    expect_bytes(&mut one, b"to one");
    expect_bytes(&mut other, b"to the other");
}

/// `accept` returns two values (返回两个数据): the new socket, and the client's address, IP and port.
/// The second is for convenience: the socket knows it too (getpeername(2)).
#[test]
fn accept_returns_the_new_socket_and_the_clients_address() {
    let (listener, address) = tcp_listener();
    let client = connect(address);
    let (socket, from) = listener.accept().expect("it is connected, so accept does not wait");
    assert_eq!(from, local(&client));
    assert_eq!(peer(&socket), from);
}

/// Note 6: the listening socket (被动套接字) takes new clients, and the socket from accept stands for
/// the one client. The listening one carries no data, not even that of a client it has taken, and
/// is not used up: it takes the next (accept(2)).
#[test]
fn the_listening_socket_takes_clients_and_carries_no_data() {
    let mut listening = new_socket(Type::STREAM);
    let address = bind(&listening);
    listening.listen(128).expect("it listens");
    let mut client = connect(address);
    client.write_all(b"hello").expect("it is sent");

    assert_eq!(kind(listening.read(&mut [0; 100])), ErrorKind::NotConnected);
    listening.write(b"hello").expect_err("expected that a listening socket cannot send");

    let listener = TcpListener::from(listening);
    expect_bytes(&mut accept(&listener), b"hello");
    let (newcomer, for_newcomer) = connection(&listener);
    assert_eq!(peer(&for_newcomer), local(&newcomer));
}

// Notes 7 and 8: the server closes

/// Note 7: with the listening socket closed (关闭listen后的套接字), new clients are refused, and those
/// connected before go on as they were: each has its own socket.
/// Closed means its last handle: a copy in a child process keeps it open (close(2)).
#[test]
fn closing_the_listening_socket_refuses_newcomers_and_leaves_the_connected_alone() {
    let (listener, address) = tcp_listener();
    let mut client = connect(address);
    let mut for_client = accept(&listener);
    drop(listener);

    let newcomer = TcpStream::connect_timeout(&address, DEADLINE);
    assert_eq!(kind(newcomer), ErrorKind::ConnectionRefused);

    client.write_all(b"still here?").expect("it is sent");
    expect_bytes(&mut for_client, b"still here?");
    for_client.write_all(b"yes").expect("it is sent");
    expect_bytes(&mut client, b"yes");
}

/// Note 7 leaves some out: clients that are connected and wait for accept (listen(2): backlog).
/// They belong to the listening socket and go with it: the system resets them. The note's
/// "connected before" (之前已经链接成功) has to mean "accepted before".
#[test]
fn closing_the_listening_socket_resets_those_that_still_wait_for_accept() {
    let (listener, address) = tcp_listener();
    let mut accepted = connect(address);
    let mut for_accepted = accept(&listener);
    let mut waiting = connect(address);
    drop(listener);

    assert_eq!(kind(waiting.read(&mut [0; 100])), ErrorKind::ConnectionReset);
    for_accepted.write_all(b"you are in").expect("it is sent");
    expect_bytes(&mut accepted, b"you are in");
}

/// Note 8: to close the socket from accept (关闭accept返回的套接字) is to be done with that client,
/// which receives the end. Nobody else notices: not the other clients, nor those still to come.
/// Closed with data unread, it would be a reset instead of the end (RFC 2525, 2.17).
#[test]
fn closing_the_accepted_socket_ends_that_clients_service() {
    let (listener, _) = tcp_listener();
    let (mut leaving, for_leaving) = connection(&listener);
    let (mut staying, mut for_staying) = connection(&listener);
    drop(for_leaving);
    expect_closed(&mut leaving);

    for_staying.write_all(b"you are not meant").expect("it is sent");
    expect_bytes(&mut staying, b"you are not meant");
    let (mut newcomer, mut for_newcomer) = connection(&listener);
    for_newcomer.write_all(b"nor are you").expect("it is sent");
    expect_bytes(&mut newcomer, b"nor are you");
}

/// Reliable (可靠的) does not mean that what was sent has been received. A send succeeds when this
/// machine has taken the data (send(2)), even for a server that has closed; the reset that
/// this brings fails the sends after it. Only the server's answer says that it has the data.
#[test]
fn a_send_that_succeeded_may_have_reached_nobody() {
    let (listener, _) = tcp_listener();
    let (mut client, for_client) = connection(&listener);
    drop(for_client);
    expect_closed(&mut client);

    client.write_all(b"is anybody there?").expect("the send succeeds all the same");
    // Which of them fails, and with what, is a matter of moments and of the system.
    let reset = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted];
    wait_until("a later send fails", || {
        client.write(b"hello?").is_err_and(|error| reset.contains(&error.kind()))
    });
}

// Note 9: the client closes

/// Note 9: when the client closes, the server's receive stops waiting (解堵塞) and returns 0, once
/// all that was sent before has been received. It does so each time it is asked again (recv(2)).
/// The next two tests show what 0 does not tell.
#[test]
fn a_closed_client_makes_receive_return_0() {
    let (listener, _) = tcp_listener();
    let (mut client, mut for_client) = connection(&listener);
    let server = thread::spawn(move || {
        expect_bytes(&mut for_client, b"goodbye");
        [for_client.read(&mut [0; 100]), for_client.read(&mut [0; 100])]
    });

    client.write_all(b"goodbye").expect("it is sent");
    drop(client);
    let [size, again] = server.join().expect("the server gets the goodbye");
    assert_eq!(size.expect("an end and no error"), 0);
    assert_eq!(again.expect("an end and no error"), 0);
}

/// Not every 0 of note 9 is a client that has gone: one that has only shut its sending side
/// (half-close, shutdown(2)) makes receive return 0 as well, and still waits for its answer.
/// 0 means that no more will come, and nothing else.
#[test]
fn a_half_closed_client_makes_receive_return_0_and_still_hears() {
    let (listener, _) = tcp_listener();
    let (mut client, mut for_client) = connection(&listener);
    client.write_all(b"that is all").expect("it is sent");
    client.shutdown(Shutdown::Write).expect("the half-close");

    expect_bytes(&mut for_client, b"that is all");
    assert_eq!(for_client.read(&mut [0; 100]).expect("an end and no error"), 0);
    for_client.write_all(b"thank you").expect("the other direction is open");
    expect_bytes(&mut client, b"thank you");
}

/// Not every client that goes makes receive return 0: a connection that is reset is an error
/// (ECONNRESET, RFC 9293, 3.5.3), which ends the tutorial's server. A client does that by closing
/// with data unread, or at will, as here. From one that loses power or its cable there comes
/// nothing at all: the server waits on, unless it sets a timeout or SO_KEEPALIVE (socket(7)).
#[test]
fn a_client_that_resets_makes_receive_fail() {
    let (listener, _) = tcp_listener();
    let (client, mut for_client) = connection(&listener);
    let at_once = Some(Duration::ZERO); // SO_LINGER: no goodbye (socket(7))
    SockRef::from(&client).set_linger(at_once).expect("the option is set");
    drop(client);
    assert_eq!(kind(for_client.read(&mut [0; 100])), ErrorKind::ConnectionReset);
}

/// The tutorial ends with the goodbye in four steps (四次挥手): each direction is closed for itself,
/// by a FIN from the side that sends, which the other acknowledges (RFC 9293, 3.6). In between one
/// side has ended and the other may go on. Often there are but three segments: the second FIN goes
/// with the first one's acknowledgement.
#[test]
fn each_direction_closes_by_itself() {
    let (listener, _) = tcp_listener();
    let (mut client, mut server) = connection(&listener);
    server.shutdown(Shutdown::Write).expect("the server's half of the goodbye");
    expect_closed(&mut client);

    client.write_all(b"one more thing").expect("this direction is still open");
    expect_bytes(&mut server, b"one more thing");
    client.shutdown(Shutdown::Write).expect("the client's half of the goodbye");
    expect_closed(&mut server);
}

// The stream

/// A stream adds no boundaries (数据边界), and keeps none: what two sends sent, one receive can take,
/// and what one sent may take two (tcp(7)). `recv(1024)` is some bytes, not a message; a program
/// that needs messages marks them itself, by a length or a line's end.
#[test]
fn a_stream_keeps_no_boundaries() {
    let (listener, _) = tcp_listener();
    let (mut client, mut server) = connection(&listener);
    client.write_all(b"one").expect("it is sent");
    client.write_all(b"two").expect("it is sent");

    // Once both are here (peek looks and takes nothing), one receive takes both.
    wait_until("both sends come", || {
        server.peek(&mut [0; 6]).expect("the connection is open") == 6
    });
    let mut buffer = [0; 100];
    assert_eq!(server.read(&mut buffer).expect("the connection is open"), 6);
    assert_eq!(&buffer[..6], b"onetwo");

    client.write_all(b"three").expect("it is sent");
    expect_bytes(&mut server, b"th");
    expect_bytes(&mut server, b"ree");
}

/// A stream is in order and repeats nothing (顺序的、不会重复的). The tutorial also says that parts of
/// a message may arrive without order: segments may, on the network. TCP numbers every byte and
/// sorts them before any receive (RFC 9293, 3.4): no program ever sees them out of order.
#[test]
fn a_stream_keeps_its_order() {
    let (listener, _) = tcp_listener();
    let (mut client, mut server) = connection(&listener);
    let sent: Vec<u8> = (0..250_000_u32).flat_map(u32::to_be_bytes).collect();

    // The client closes at the end of its thread.
    let pieces = sent.clone();
    thread::spawn(move || pieces.chunks(7_001).try_for_each(|piece| client.write_all(piece)));
    let mut received = Vec::new();
    server.read_to_end(&mut received).expect("the end and no error");
    assert!(received == sent, "expected the same bytes in the same order");
}

/// A stream is reliable (可靠的): where a datagram would be lost to a receiver that is too slow, TCP
/// makes the sender wait until there is room (RFC 9293, 3.8.6). So everything that a
/// send has taken comes, as long as the connection lasts; and a send can take less than asked.
#[test]
fn a_stream_makes_the_sender_wait_and_loses_nothing() {
    let (listener, _) = tcp_listener();
    let (mut client, mut server) = connection(&listener);

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
    client.shutdown(Shutdown::Write).expect("the half-close");
    let mut received = Vec::new();
    server.read_to_end(&mut received).expect("the end and no error");
    assert_eq!(received.len(), sent);
}
