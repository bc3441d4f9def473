//! A client that has started, and the server's end of its conversation.

use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::thread;

use socket2::SockRef;

use crate::constants::A_WHILE;
use crate::failure::fail;
use crate::peer::{Peer, await_peer};
use crate::program::Program;
use crate::subject;

/// The client that is tested, and the server's end of its conversation.
pub fn with_client() -> (Peer, Program) {
    with_client_at("127.0.0.1", subject::command())
}

/// The same at that `host`, with another `command`.
pub fn with_client_at(host: &str, mut command: Command) -> (Peer, Program) {
    let own = host.replace("localhost", "127.0.0.1");
    let start = |port: u16| {
        command.args([host, &port.to_string()]);
        Program::start(command)
    };
    if subject::is_udp() {
        let socket = UdpSocket::bind((own.as_str(), 0)).expect("a free UDP port");
        let client = start(socket.local_addr().expect("its address").port());
        return (Peer::Udp(socket, None), client);
    }
    let listener = TcpListener::bind((own.as_str(), 0)).expect("a free TCP port");
    // The connection inherits it, so that little of what nobody reads is on its way.
    SockRef::from(&listener).set_recv_buffer_size(4_096).expect("a small buffer");
    listener.set_nonblocking(true).expect("a listener that does not block");
    let client = start(listener.local_addr().expect("its address").port());
    match await_peer(|| listener.accept().inspect_err(|_| thread::sleep(A_WHILE / 4))) {
        Ok((connection, _)) => {
            connection.set_nonblocking(false).expect("a connection that blocks");
            (Peer::of_tcp(connection), client)
        }
        Err(why) => {
            fail("expected a connection to HOST and PORT, the program's arguments, but {}", &[&why])
        }
    }
}
