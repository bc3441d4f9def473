//! What the tutorial says of sockets in general and of UDP, one test a claim, named after it.
//! Plain sockets on this machine show each claim, and where it is too simple, what is so instead.
//! `cargo test -p claims --test udp` runs them.

use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};

use claims::{bind, kind, new_socket, port};
use socket2::{SockRef, Type};
use testing::{
    NI_HAO, accept, connect, datagram, has_localhost, has_udp_refusals, tcp_listener, udp_socket,
};

/// UDP sockets, each at a free port of 127.0.0.1.
fn sockets<const COUNT: usize>() -> [UdpSocket; COUNT] {
    [(); COUNT].map(|()| udp_socket())
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("a bound socket has an address")
}

fn send(from: &UdpSocket, to: &UdpSocket, data: &[u8]) {
    assert_eq!(from.send_to(data, address(to)).expect("it is sent"), data.len());
}

/// The next datagram at `to` is `data`, sent by `from`.
fn receive(from: &UdpSocket, to: &UdpSocket, data: &[u8]) {
    assert_eq!(datagram(to), (data.to_vec(), address(from)));
}

fn carry(from: &UdpSocket, to: &UdpSocket, data: &[u8]) {
    send(from, to, data);
    receive(from, to, data);
}

/// A socket is an endpoint of communication (通信端点). Its address makes it one for others: here
/// 127.0.0.1 and a port of its own. What is sent to one endpoint comes to no other (RFC 768).
#[test]
fn a_socket_is_an_endpoint_with_an_address_of_its_own() {
    let [one, other, sender] = sockets();
    assert_ne!(address(&one), address(&other));
    carry(&sender, &one, b"to one");
    carry(&sender, &other, b"to the other"); // the first that comes there
}

/// There are two kinds (套接字分类): SOCK_STREAM, which in AF_INET is TCP, and SOCK_DGRAM, UDP (ip(7)).
/// They never meet: a TCP port and a UDP port of the same number are two ports.
#[test]
fn stream_and_datagram_sockets_are_two_kinds_each_with_its_own_ports() {
    // A number that is free as a port of both kinds; the first tried nearly always is.
    let both = (0..100).find_map(|_| {
        let (stream, address) = tcp_listener();
        Some((stream, UdpSocket::bind(address).ok()?))
    });
    let (stream, datagram) = both.expect("a number that both kinds have free");
    assert_eq!(SockRef::from(&stream).r#type().unwrap(), Type::STREAM);
    assert_eq!(SockRef::from(&datagram).r#type().unwrap(), Type::DGRAM);
    let client = connect(address(&datagram));
    carry(&udp_socket(), &datagram, b"hello");
    assert_eq!(accept(&stream).peer_addr().unwrap(), client.local_addr().unwrap());
}

/// A socket is used much like a file (和文件很相似): make it, write, read, close it. On Unix the system
/// takes one for the other. But what has been read is gone: there is no going back (socket(7)).
#[cfg(unix)] // elsewhere a socket is no file to the system
#[test]
fn a_socket_is_used_like_a_file() {
    use std::io::{Read, Seek, Write};

    let [one, other] = sockets();
    one.connect(address(&other)).expect("a UDP socket can always be connected");
    let [mut writer, mut reader] =
        [one, other].map(|socket| std::fs::File::from(std::os::fd::OwnedFd::from(socket)));
    writer.write_all(b"hello").expect("a file can be written");
    let mut buffer = [0; 100];
    assert_eq!(reader.read(&mut buffer).expect("a file can be read"), 5);
    assert_eq!(&buffer[..5], b"hello");
    assert_eq!(kind(reader.rewind()), ErrorKind::NotSeekable);
}

/// The address family says how endpoints are named: AF_INET by IP address and port, on any machines
/// or one, AF_UNIX (unix(7)) by a path on one, which closing does not free, as it does a port.
#[cfg(unix)] // Windows has AF_UNIX, but std does not offer it there
#[test]
fn af_inet_names_an_address_and_a_port_and_af_unix_a_path() {
    assert!(address(&udp_socket()).to_string().starts_with("127.0.0.1:"));

    let path = std::env::temp_dir().join(format!("claims-{}.socket", std::process::id()));
    let server = std::os::unix::net::UnixDatagram::bind(&path).expect("a path that is free");
    server.set_nonblocking(true).expect("an error instead of a wait");
    let mut buffer = [0; 5];
    let received = server.send_to(b"hello", &path).and_then(|_| server.recv(&mut buffer));
    drop(server);
    std::fs::remove_file(&path).expect("the path is there until somebody removes it");
    assert_eq!((received.expect("what was sent"), &buffer), (5, b"hello"));
}

/// AF_INET is said to be the family for the Internet. It is the one for IPv4, half of today's: an
/// IPv6 address belongs to AF_INET6 (ipv6(7)), and an AF_INET socket cannot send there.
#[test]
fn an_af_inet_socket_reaches_no_ipv6_address() {
    let [client, server] = sockets();
    carry(&client, &server, b"hello");
    let there = ("::1", address(&server).port());
    client.send_to(b"hello", there).expect_err("expected IPv6 not to be its family");
}

/// An empty HOST (留空) is said to mean this machine. To a server it means all of its addresses,
/// 0.0.0.0 (INADDR_ANY, ip(7)), and lets other machines in. One at 127.0.0.1 hears no others.
#[cfg(target_os = "linux")] // which has all of 127.0.0.0/8; macOS has 127.0.0.1 alone
#[test]
fn an_empty_host_means_every_address_of_this_machine() {
    let client = udp_socket();
    for (bound, heard_first) in [("0.0.0.0", "127.0.0.2"), ("127.0.0.1", "127.0.0.1")] {
        let server = UdpSocket::bind((bound, 0)).expect("a free port");
        for host in ["127.0.0.2", "127.0.0.1"] {
            let there = (host, address(&server).port());
            client.send_to(host.as_bytes(), there).expect("it is sent");
        }
        assert_eq!(datagram(&server).0, heard_first.as_bytes());
    }
}

/// `localhost` means this machine (本地): whatever it resolves to is a loopback address, which no
/// other machine can reach (RFC 6761, 6.3). It need not be 127.0.0.1: `::1` is one as well.
#[test]
fn localhost_means_this_machine_alone() {
    if has_localhost() {
        let mut addresses = ("localhost", 7890).to_socket_addrs().expect("a name that resolves");
        assert!(addresses.all(|address| address.ip().is_loopback()));
    }
}

/// What is sent is bytes (二进制形式): text has to be encoded, and no socket knows how it was. The
/// receiver must decode by the same rule: GBK's bytes for 你好 are not UTF-8.
#[test]
fn a_socket_carries_bytes_and_not_characters() {
    let [client, server] = sockets();
    send(&client, &server, NI_HAO);
    let (received, _) = datagram(&server);
    assert_eq!(received.len(), 4, "two characters, and two bytes for each");
    String::from_utf8(received).expect_err("expected bytes that are not UTF-8");
}

/// The UDP server binds (绑定地址), so that clients know where to send. Before that it has no port;
/// from then on it alone has this one (bind(2)). Who sends first gets a port too, see below.
#[test]
fn a_udp_server_must_bind_to_be_found() {
    let server = new_socket(Type::DGRAM);
    assert_eq!(port(&server), 0, "expected a new socket to have no port");
    bind(&server);
    let server = UdpSocket::from(server);
    carry(&udp_socket(), &server, b"hello");
    assert_eq!(kind(UdpSocket::bind(address(&server))), ErrorKind::AddrInUse);
}

/// The tutorial's UDP client does not bind. It has a port all the same: the system chooses a free
/// one at its first send (udp(7)). So it can be found, and answered, by those to whom it sent.
#[test]
fn a_udp_client_need_not_bind() {
    let (server, client) = (udp_socket(), new_socket(Type::DGRAM));
    assert_eq!(port(&client), 0, "expected a new socket to have no port");
    client.send_to(b"hello", &address(&server).into()).expect("it is sent");
    let (_, sender) = datagram(&server);
    assert_eq!(sender.port(), port(&client));
    server.send_to(b"welcome", sender).expect("it is sent");
    receive(&server, &UdpSocket::from(client), b"welcome");
}

/// UDP needs no connection (无需建立连接): a new socket sends at once, and to one server after the other,
/// for each datagram carries its own address (RFC 768). There is no handshake before it.
#[test]
fn udp_needs_no_connect() {
    let [one, other, client] = sockets();
    carry(&client, &one, b"to one");
    carry(&client, &other, b"to the other");
    assert_eq!(kind(client.peer_addr()), ErrorKind::NotConnected);
}

/// The price of no connection (无连接): a send says only that this machine has taken the datagram
/// (send(2)). Where nobody is it succeeds again and again: Linux tells connected sockets alone.
#[test]
fn a_send_to_nobody_succeeds() {
    let (client, nobody) = (udp_socket(), address(&udp_socket())); // which is closed at once
    for _ in 0..3 {
        assert_eq!(client.send_to(b"hello", nobody).expect("it is sent"), 5);
    }
}

/// UDP needs no connect, but allows it. Nothing is sent: the socket notes an address, where `send`
/// sends and from where alone it receives (connect(2)). Without it, anybody passes for the server.
#[test]
fn a_udp_client_may_connect_and_then_hears_only_that_server() {
    let [server, stranger, client] = sockets();
    carry(&stranger, &client, b"I am the server");
    client.connect(address(&server)).expect("a UDP socket can always be connected");
    client.send(b"hello").expect("send needs no address any more");
    receive(&client, &server, b"hello");
    send(&stranger, &client, b"I am the server"); // first, and not heard
    carry(&server, &client, b"welcome");
}

/// The other gain of connect: that nobody is there comes as an ICMP message (RFC 1122, 4.1.3.1),
/// which the next call reports. No promise: ICMP can be lost, and a machine that is off sends none.
#[test]
fn a_connected_udp_client_may_learn_that_nobody_is_there() {
    if !has_udp_refusals() {
        return;
    }
    let client = udp_socket();
    client.connect(address(&udp_socket())).expect("a UDP socket can always be connected");
    client.send(b"hello").expect("the send itself succeeds");
    let refused = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset]; // Windows says reset
    assert!(refused.contains(&kind(client.recv(&mut [0; 100]))));
}

/// `recvfrom` returns two values (返回两个值): the data, and its sender's address, IP and port, all that
/// tells clients apart. (It is what the datagram claims; a sender can write any address there.)
#[test]
fn recvfrom_returns_the_data_and_the_senders_address() {
    let [server, one, other] = sockets();
    for (client, sent) in [(one, b"from one"), (other, b"from two")] {
        send(&client, &server, sent);
        let (data, sender) = datagram(&server);
        assert_eq!((data, sender), (sent.to_vec(), address(&client)));
    }
}

/// `sendto` takes the data and the address it is for (接受两个参数); a server answers to the address
/// that `recvfrom` gave. One socket so serves all clients, in whatever turn it likes.
#[test]
fn sendto_takes_the_data_and_the_address_from_recvfrom() {
    let [server, one, other] = sockets();
    let [to_one, to_other] = [&one, &other].map(|client| {
        send(client, &server, b"hello");
        datagram(&server).1
    });
    server.send_to(b"hello, other", to_other).expect("it is sent");
    server.send_to(b"hello, one", to_one).expect("it is sent");
    receive(&server, &one, b"hello, one");
    receive(&server, &other, b"hello, other");
}

/// Datagrams keep their boundaries (数据边界): each send makes one datagram, each receive takes one
/// (udp(7)). Two that wait are not put together, though the buffer has room for both.
#[test]
fn datagrams_keep_their_boundaries() {
    let [client, server] = sockets();
    send(&client, &server, b"one");
    send(&client, &server, b"three");
    let mut received = [(); 2].map(|()| datagram(&server).0.len());
    received.sort(); // their order is another matter
    assert_eq!(received, [3, 5]);
}

/// A datagram is sent as a whole (整个发送), or not at all. IPv4 has room for 65,507 bytes: 65,535 less
/// the headers, 20 of IP and 8 of UDP (RFC 791, RFC 768); macOS at first for 9,216. On the way it
/// may be cut into fragments; the receiver gets all or none.
#[test]
fn a_datagram_is_sent_whole_or_not_at_all() {
    let [client, server] = sockets();
    let too_long = client.send_to(&[b'a'; 65_508], address(&server));
    too_long.expect_err("expected it to be too long");
    carry(&client, &server, &[b'b'; 5_000]); // longer than an Ethernet frame holds
}

/// It is received as a whole only by a buffer that holds it, the tutorial's by one of 1,024 bytes.
/// Of a longer one the rest is lost (recv(2)): the next receive takes the next datagram.
#[cfg(not(windows))] // where such a receive is an error, WSAEMSGSIZE; the rest is lost there too
#[test]
fn a_datagram_longer_than_the_buffer_loses_its_rest() {
    let [client, server] = sockets();
    send(&client, &server, b"a long message");
    let mut buffer = [0; 6];
    assert_eq!(server.recv(&mut buffer).expect("a datagram"), 6);
    assert_eq!(&buffer, b"a long");
    carry(&client, &server, b"next");
}

/// A length of 0 (长度为0) is no end with UDP: an empty datagram is a message like any other
/// (recv(2)). A UDP server that took it for the end could be stopped by anybody.
#[test]
fn an_empty_datagram_makes_receive_return_0_and_is_no_end() {
    let [client, server] = sockets();
    carry(&client, &server, b"");
    carry(&client, &server, b"more");
}

/// That all datagrams arrive is not guaranteed (完整性): udp(7), RFC 768. Here a receiver is too slow:
/// what finds its buffer full is thrown away, every send succeeded, and neither side is told.
#[test]
fn that_datagrams_arrive_is_not_guaranteed() {
    let [client, server] = sockets();
    SockRef::from(&server).set_recv_buffer_size(4_096).expect("a small buffer");
    for _ in 0..1_000 {
        send(&client, &server, &[b'a'; 1_000]);
    }
    let some_more = (0..).take_while(|_| {
        send(&client, &server, b"the end"); // each time, as it can be lost too
        datagram(&server).0 != b"the end"
    });
    let arrived = some_more.count();
    assert!((1..1_000).contains(&arrived), "expected some of 1,000 to arrive, but {arrived} did");
}

/// The test plays the network: it takes what is `sent`, and passes on what these `numbers` say.
fn check_network(sent: &[&[u8]], numbers: [usize; 2]) {
    let [client, network, server] = sockets();
    for data in sent {
        carry(&client, &network, data);
    }
    for number in numbers {
        carry(&network, &server, sent[number]);
    }
}

/// Nor their order (顺序): on the way one can overtake another, and the receiver's UDP does not sort
/// them (RFC 768). Loopback has a single way, unless root makes it a bad network: tc-netem(8).
#[test]
fn that_datagrams_keep_their_order_is_not_guaranteed() {
    check_network(&[b"first", b"second"], [1, 0]);
}

/// Nor that each arrives only once (不重复性): a link can repeat it, and the receiver's UDP does not
/// notice. One that came twice looks like two that were sent.
#[test]
fn that_a_datagram_arrives_only_once_is_not_guaranteed() {
    check_network(&[b"pay 5 yuan"], [0, 0]);
}
