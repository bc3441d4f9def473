//! A client that has started, and the server's end of its conversation.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::Command;

use crate::peer::Peer;
use crate::program::Program;
use crate::socket::accept;
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
        (Peer::Udp(socket, None), client)
    } else {
        let listener = TcpListener::bind((own.as_str(), 0)).expect("a free TCP port");
        let client = start(listener.local_addr().expect("its address").port());
        (Peer::Tcp(accept(&listener)), client)
    }
}

/// A client's command with the address of its server.
pub fn client(mut command: Command, server: SocketAddr) -> Command {
    command.args([server.ip().to_string(), server.port().to_string()]);
    command
}
