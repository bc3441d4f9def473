//! What the tutorial says of sockets in general and of UDP, one test a claim, named after it.
//! Plain sockets on this machine show each claim, and where it is too simple, what is so instead.
//! `cargo test -p claims --test udp` runs them.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use claims::{kind, new_socket, port};
use socket2::{SockRef, Type};
use testing::{
    DEADLINE, NI_HAO, accept, connect, datagram, has_localhost, has_udp_refusals, tcp_listener,
    udp_socket,
};

/// The address that a socket is bound to.
fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("a bound socket has an address")
}

/// An address where nobody is: its socket has just been closed.
fn nobody() -> SocketAddr {
    address(&udp_socket())
}

// Sockets in general

/// A socket is an endpoint of communication (通信端点), made before any communication starts.
/// What makes it one for others is its address: here 127.0.0.1 and a port of its own.
/// What is sent to one endpoint comes to no other (RFC 768: the destination port).
#[test]
fn a_socket_is_an_endpoint_with_an_address_of_its_own() {
    let (one, other, sender) = (udp_socket(), udp_socket(), udp_socket());
    assert_ne!(address(&one), address(&other));

    sender.send_to(b"to one", address(&one)).expect("it is sent");
    assert_eq!(datagram(&one).0, b"to one");

    // What the other gets first is its own: the one before did not come here.
    sender.send_to(b"to the other", address(&other)).expect("it is sent");
    assert_eq!(datagram(&other).0, b"to the other");
}

/// There are two kinds of socket (套接字分类): SOCK_STREAM, which is TCP, and SOCK_DGRAM, which is
/// UDP. They never meet: a TCP port and a UDP port of the same number are two ports.
/// The kind names the service; that TCP and UDP provide it is so in AF_INET and AF_INET6 (ip(7)):
/// AF_UNIX has both kinds and neither protocol.
#[test]
fn stream_and_datagram_sockets_are_two_kinds_each_with_its_own_ports() {
    // A number that is free as a port of both kinds; the first tried nearly always is.
    let (tcp, udp, address) = (0..100)
        .map(|_| tcp_listener())
        .find_map(|(tcp, address)| Some((tcp, UdpSocket::bind(address).ok()?, address)))
        .expect("a number that both kinds have free");
    udp.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    assert_eq!(SockRef::from(&tcp).r#type().expect("its kind"), Type::STREAM);
    assert_eq!(SockRef::from(&udp).r#type().expect("its kind"), Type::DGRAM);

    // One address, and each kind of client comes to the server of its kind.
    let stream_client = connect(address);
    let datagram_client = udp_socket();
    datagram_client.send_to(b"hello", address).expect("it is sent");
    let found = accept(&tcp).peer_addr().expect("the client's address");
    assert_eq!(found, stream_client.local_addr().expect("the client's address"));
    assert_eq!(datagram(&udp).1, self::address(&datagram_client));
}

/// A socket is used much like a file (和文件很相似): make it, write and read, close it.
/// On Unix the system takes one for the other. But a socket has no position to go back to: what
/// has been read is gone (socket(7): no seeking), and a read waits for the other side.
#[cfg(unix)] // elsewhere a socket is no file to the system
#[test]
fn a_socket_is_used_like_a_file() {
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::OwnedFd;

    let (one, other) = (udp_socket(), udp_socket());
    one.connect(address(&other)).expect("a UDP socket can always be connected");
    let mut writer = File::from(OwnedFd::from(one));
    let mut reader = File::from(OwnedFd::from(other));

    writer.write_all(b"hello").expect("a file can be written");
    let mut buffer = [0; 100];
    let size = reader.read(&mut buffer).expect("a file can be read");
    assert_eq!(&buffer[..size], b"hello");

    assert_eq!(kind(reader.rewind()), ErrorKind::NotSeekable);
}

/// The address family says how endpoints are named: AF_INET by IP address and port, for processes
/// on any machines, AF_UNIX (unix(7)) by a path, for processes on one.
/// That does not keep AF_INET from use on one machine: all the other tests do so.
/// And a path is not freed by closing the socket, as a port is.
#[cfg(unix)] // Windows has AF_UNIX, but std does not offer it there
#[test]
fn af_inet_names_an_address_and_a_port_and_af_unix_a_path() {
    use std::os::unix::net::UnixDatagram;

    let inet = udp_socket();
    assert_eq!(address(&inet).ip(), Ipv4Addr::LOCALHOST);
    assert_ne!(address(&inet).port(), 0);

    let path = std::env::temp_dir().join(format!("claims-{}.socket", std::process::id()));
    let server = UnixDatagram::bind(&path).expect("a path that is free");
    server.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let client = UnixDatagram::unbound().expect("a new socket");
    client.send_to(b"hello", &path).expect("it is sent");
    let mut buffer = [0; 100];
    let received = server.recv(&mut buffer).map(|size| &buffer[..size]);

    drop(server);
    let left = std::fs::remove_file(&path);
    assert_eq!(received.expect("a datagram"), b"hello");
    left.expect("the path is there until somebody removes it");
}

/// AF_INET is said to be the family for the Internet. It is the one for IPv4, half of today's:
/// an IPv6 address belongs to AF_INET6 (ipv6(7)), and an AF_INET socket cannot send there.
#[test]
fn an_af_inet_socket_reaches_no_ipv6_address() {
    let (server, client) = (udp_socket(), udp_socket());
    let port = address(&server).port();
    client.send_to(b"hello", ("127.0.0.1", port)).expect("IPv4 is its family");
    assert_eq!(datagram(&server).0, b"hello");
    client.send_to(b"hello", ("::1", port)).expect_err("expected IPv6 not to be its family");
}

/// An empty HOST (留空) is said to mean this machine. To a server it means more, 0.0.0.0, all the
/// addresses of this machine (INADDR_ANY, ip(7)): every machine that reaches one of them is let in.
/// A server that is for this machine alone binds to 127.0.0.1, and hears nothing elsewhere.
#[cfg(target_os = "linux")] // which has all of 127.0.0.0/8; macOS has 127.0.0.1 alone
#[test]
fn an_empty_host_means_every_address_of_this_machine() {
    let client = udp_socket();
    let everywhere = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    everywhere.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    for host in ["127.0.0.1", "127.0.0.2"] {
        let server = (host, address(&everywhere).port());
        client.send_to(host.as_bytes(), server).expect("it is sent");
        assert_eq!(datagram(&everywhere).0, host.as_bytes());
    }

    // A server at one address gets what comes there, and what was sent to the other is lost.
    let here = udp_socket();
    for host in ["127.0.0.2", "127.0.0.1"] {
        client.send_to(host.as_bytes(), (host, address(&here).port())).expect("it is sent");
    }
    assert_eq!(datagram(&here).0, b"127.0.0.1");
}

/// `localhost` means this machine (本地): whatever it resolves to is a loopback address, which no
/// other machine can reach (RFC 6761, 6.3). It need not be 127.0.0.1: `::1` is one as well.
#[test]
fn localhost_means_this_machine_alone() {
    if !has_localhost() {
        return;
    }
    let addresses: Vec<_> =
        ("localhost", 7890).to_socket_addrs().expect("a name that resolves").collect();
    assert!(!addresses.is_empty());
    assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
}

/// What is sent is bytes (二进制形式): text has to be encoded, and no socket knows how it was.
/// The receiver must decode by the same rule: GBK's bytes for 你好 are not UTF-8, and there are
/// four of them, not two as there are characters.
#[test]
fn a_socket_carries_bytes_and_not_characters() {
    let (server, client) = (udp_socket(), udp_socket());
    client.send_to(NI_HAO, address(&server)).expect("it is sent");
    let (received, _) = datagram(&server);
    assert_eq!(received, NI_HAO);
    assert_eq!(received.len(), 4);
    String::from_utf8(received).expect_err("expected bytes that are not UTF-8");
}

// UDP: who has an address

/// The tutorial's UDP server binds (绑定地址), so that clients know where to send.
/// Before that it has no port, so no datagram can be for it; from then on it alone has this one
/// (bind(2): EADDRINUSE). A server that sends first gets a port too: see the next test.
#[test]
fn a_udp_server_must_bind_to_be_found() {
    let server = new_socket(Type::DGRAM);
    assert_eq!(port(&server), 0, "expected a new socket to have no port");

    server.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
    let server = UdpSocket::from(server);
    udp_socket().send_to(b"hello", address(&server)).expect("it is sent");
    assert_eq!(datagram(&server).0, b"hello");

    assert_eq!(kind(UdpSocket::bind(address(&server))), ErrorKind::AddrInUse);
}

/// The tutorial's UDP client does not bind. It has a port all the same: the system chooses a free
/// one at its first send (udp(7)), and that is where the answer comes to.
/// So whoever sent first can be found, by those to whom it sent.
#[test]
fn a_udp_client_need_not_bind() {
    let (server, client) = (udp_socket(), new_socket(Type::DGRAM));
    assert_eq!(port(&client), 0, "expected a new socket to have no port");

    client.send_to(b"hello", &address(&server).into()).expect("it is sent");
    let (_, sender) = datagram(&server);
    assert_ne!(port(&client), 0, "expected the first send to give the socket a port");
    assert_eq!(sender.port(), port(&client));

    server.send_to(b"welcome", sender).expect("it is sent");
    assert_eq!(datagram(&UdpSocket::from(client)).0, b"welcome");
}

// UDP: no connection

/// UDP needs no connection (无需建立连接): a new socket sends at once, and to one server after the
/// other, for each datagram carries its own address (RFC 768). There is no handshake before it.
#[test]
fn udp_needs_no_connect() {
    let (one, other, client) = (udp_socket(), udp_socket(), udp_socket());
    client.send_to(b"to one", address(&one)).expect("it is sent");
    client.send_to(b"to the other", address(&other)).expect("it is sent");
    assert_eq!(datagram(&one).0, b"to one");
    assert_eq!(datagram(&other).0, b"to the other");
    assert_eq!(kind(client.peer_addr()), ErrorKind::NotConnected);
}

/// The price of no connection (无连接): a send says only that this machine has taken the datagram
/// (send(2)). To an address where nobody is it succeeds, again and again.
/// (udp(7) promises the error later, connected or not; Linux tells connected sockets alone, unless
/// asked by IP_RECVERR, ip(7).)
#[test]
fn a_send_to_nobody_succeeds() {
    let (nobody, client) = (nobody(), udp_socket());
    for _ in 0..3 {
        assert_eq!(client.send_to(b"hello", nobody).expect("it is sent"), 5);
    }
}

/// UDP needs no connect, but allows it. Nothing is sent then and the server learns nothing: the
/// socket notes one address, where `send` sends and from where alone it receives (connect(2)).
/// Without it, anybody's datagram passes for the server's answer.
#[test]
fn a_udp_client_may_connect_and_then_hears_only_that_server() {
    let (server, stranger, client) = (udp_socket(), udp_socket(), udp_socket());
    stranger.send_to(b"I am the server", address(&client)).expect("it is sent");
    assert_eq!(datagram(&client).1, address(&stranger), "anybody is heard before connect");

    client.connect(address(&server)).expect("a UDP socket can always be connected");
    client.send(b"hello").expect("send needs no address any more");
    assert_eq!(datagram(&server), (b"hello".to_vec(), address(&client)));

    // The stranger is first, and is not heard.
    stranger.send_to(b"I am the server", address(&client)).expect("it is sent");
    server.send_to(b"welcome", address(&client)).expect("it is sent");
    assert_eq!(datagram(&client), (b"welcome".to_vec(), address(&server)));
}

/// The other gain of connect: news that nobody is there. The machine addressed answers with an
/// ICMP message (RFC 1122, 4.1.3.1), and a connected socket reports it at its next call.
/// That is no promise: ICMP can be lost or filtered, and a machine that is off sends none.
#[test]
fn a_connected_udp_client_may_learn_that_nobody_is_there() {
    if !has_udp_refusals() {
        return;
    }
    let client = udp_socket();
    client.connect(nobody()).expect("a UDP socket can always be connected");
    client.send(b"hello").expect("the send itself succeeds");
    let error = kind(client.recv(&mut [0; 100]));
    let expected = if cfg!(windows) {
        ErrorKind::ConnectionReset // Windows' word for it
    } else {
        ErrorKind::ConnectionRefused
    };
    assert_eq!(error, expected);
}

// UDP: recvfrom and sendto

/// `recvfrom` returns two values (返回两个值): the data, and the address, IP and port, of its
/// sender. With no connection this is all that tells one client from another.
/// It is what the datagram claims: where no router checks, a sender can write any address there.
#[test]
fn recvfrom_returns_the_data_and_the_senders_address() {
    let (server, one, other) = (udp_socket(), udp_socket(), udp_socket());
    one.send_to(b"from one", address(&server)).expect("it is sent");
    assert_eq!(datagram(&server), (b"from one".to_vec(), address(&one)));
    other.send_to(b"from the other", address(&server)).expect("it is sent");
    assert_eq!(datagram(&server), (b"from the other".to_vec(), address(&other)));
}

/// `sendto` takes the data and the address it is for (接受两个参数); a server answers to the address
/// that `recvfrom` gave. One socket so serves all clients, in whatever turn it likes.
#[test]
fn sendto_takes_the_data_and_the_address_from_recvfrom() {
    let (server, one, other) = (udp_socket(), udp_socket(), udp_socket());
    one.send_to(b"I am one", address(&server)).expect("it is sent");
    let (_, first) = datagram(&server);
    other.send_to(b"I am the other", address(&server)).expect("it is sent");
    let (_, second) = datagram(&server);

    server.send_to(b"hello, other", second).expect("it is sent");
    server.send_to(b"hello, one", first).expect("it is sent");
    assert_eq!(datagram(&one).0, b"hello, one");
    assert_eq!(datagram(&other).0, b"hello, other");
}

// UDP: boundaries

/// Datagrams keep their boundaries (数据边界): each send makes one datagram, each receive takes one
/// (udp(7)). Two that wait are not put together, though the buffer has room for both.
#[test]
fn datagrams_keep_their_boundaries() {
    let (server, client) = (udp_socket(), udp_socket());
    client.send_to(b"one", address(&server)).expect("it is sent");
    client.send_to(b"three", address(&server)).expect("it is sent");

    let mut received = [datagram(&server).0, datagram(&server).0];
    received.sort(); // their order is another matter
    assert_eq!(received, [b"one".to_vec(), b"three".to_vec()]);
}

/// A datagram is sent as a whole (整个发送), or not at all: one that is too long is an error, and no
/// part of it leaves. IPv4 has room for 65,507 bytes: 65,535 less the headers, 20 of IP and 8 of
/// UDP (RFC 791, RFC 768). A system may take less: macOS 9,216 bytes, until it is told otherwise
/// (sysctl net.inet.udp.maxdgram). On the way it may be cut into fragments; the receiver gets all
/// or none.
#[test]
fn a_datagram_is_sent_whole_or_not_at_all() {
    let (server, client) = (udp_socket(), udp_socket());
    client.send_to(&[b'a'; 65_508], address(&server)).expect_err("expected it to be too long");

    // What comes first is what was sent next.
    let whole = [b'b'; 5_000]; // longer than an Ethernet frame holds
    client.send_to(&whole, address(&server)).expect("it is sent");
    assert_eq!(datagram(&server).0, whole);
}

/// It is received as a whole only by a buffer that holds it, the tutorial's by one of 1,024 bytes.
/// Of a longer one the rest is lost (recv(2)): the next receive takes the next datagram.
#[cfg(not(windows))] // where such a receive is an error, WSAEMSGSIZE; the rest is lost there too
#[test]
fn a_datagram_longer_than_the_buffer_loses_its_rest() {
    let (server, client) = (udp_socket(), udp_socket());
    client.send_to(b"a long message", address(&server)).expect("it is sent");
    let mut buffer = [0; 6];
    assert_eq!(server.recv(&mut buffer).expect("a datagram"), 6);
    assert_eq!(&buffer, b"a long");

    client.send_to(b"next", address(&server)).expect("it is sent");
    assert_eq!(datagram(&server).0, b"next");
}

/// A length of 0 means the end of a TCP connection (长度为0), and nothing of the kind with UDP: an
/// empty datagram is a message like any other (recv(2)), and with no connection nothing ends.
/// A UDP server that took 0 for the end, as the TCP server must, could be stopped by anybody.
#[test]
fn an_empty_datagram_makes_receive_return_0_and_is_no_end() {
    let (server, client) = (udp_socket(), udp_socket());
    client.send_to(b"", address(&server)).expect("it is sent");
    let received = server.recv_from(&mut [0; 100]).expect("a datagram, even if an empty one");
    assert_eq!(received, (0, address(&client)));

    client.send_to(b"more", address(&server)).expect("it is sent");
    assert_eq!(datagram(&server).0, b"more");
}

// UDP: what is not guaranteed. A network does all three by itself, this machine's loopback only the
// first. (On Linux root can make loopback a bad network: tc-netem(8), loss, reorder, duplicate.)

/// That all datagrams arrive is not guaranteed (完整性): udp(7), RFC 768.
/// Here a receiver is too slow: what finds its buffer full is thrown away. Every send succeeded,
/// and neither side is told; only an answer would tell the sender.
#[test]
fn that_datagrams_arrive_is_not_guaranteed() {
    const SENT: usize = 1_000;
    let (server, client) = (udp_socket(), udp_socket());
    SockRef::from(&server).set_recv_buffer_size(4_096).expect("a small buffer");
    for _ in 0..SENT {
        let size = client.send_to(&[b'a'; 1_000], address(&server));
        assert_eq!(size.expect("every send succeeds"), 1_000);
    }

    // The server reads until it sees the end, which can be lost too and so is sent each time.
    let mut arrived = 0;
    loop {
        client.send_to(b"the end", address(&server)).expect("it is sent");
        match datagram(&server).0.as_slice() {
            b"the end" => break,
            _ => arrived += 1,
        }
    }
    assert!(0 < arrived && arrived < SENT, "expected some of {SENT} to arrive, but {arrived} did");
}

/// That datagrams arrive in order is not guaranteed (顺序): on their way one can overtake another.
/// Loopback has a single way and will hardly show it, so here the test plays the network. What
/// it shows is that the receiver's UDP does not put them in order: they bear no numbers (RFC 768).
#[test]
fn that_datagrams_keep_their_order_is_not_guaranteed() {
    let (client, network, server) = (udp_socket(), udp_socket(), udp_socket());
    client.send_to(b"first", address(&network)).expect("it is sent");
    let (held_up, _) = datagram(&network);
    client.send_to(b"second", address(&network)).expect("it is sent");
    let (overtaking, _) = datagram(&network);

    network.send_to(&overtaking, address(&server)).expect("it is sent");
    assert_eq!(datagram(&server).0, b"second", "nobody waits for the first");
    network.send_to(&held_up, address(&server)).expect("it is sent");
    assert_eq!(datagram(&server).0, b"first");
}

/// That a datagram arrives only once is not guaranteed (不重复性): a link can repeat it.
/// Loopback does not, so here too the test plays the network. What it shows is that the receiver's
/// UDP does not notice: one that came twice looks like two that were sent (RFC 768).
#[test]
fn that_a_datagram_arrives_only_once_is_not_guaranteed() {
    let (client, network, server) = (udp_socket(), udp_socket(), udp_socket());
    client.send_to(b"pay 5 yuan", address(&network)).expect("it is sent");
    let (data, _) = datagram(&network);
    for _ in 0..2 {
        network.send_to(&data, address(&server)).expect("it is sent");
    }
    assert_eq!(datagram(&server).0, b"pay 5 yuan");
    assert_eq!(datagram(&server).0, b"pay 5 yuan", "nobody has thrown the second away");
}
