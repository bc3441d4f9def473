//! A server that is ready: started on a free port, and asked by clients.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use crate::constants::{TCP_REPLY, UDP_REPLY};
use crate::failure::{fail, say};
use crate::peer::Peer;
use crate::program::Program;
use crate::socket::connect;
use crate::subject;

/// A server that is ready, on a free port of 127.0.0.1.
pub struct Server {
    is_udp: bool,
    /// The process and what it prints; the line that says where it listens is read already.
    pub program: Program,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Starts the server that is tested, and waits until it listens.
pub fn serve() -> Server {
    Server::start(subject::name(), subject::command())
}

impl Server {
    /// Starts the server called `name` (`udp-server`, `tcp-server`) and waits until it listens.
    pub fn start(name: &str, command: Command) -> Server {
        Server::start_at(name, command, "127.0.0.1")
    }

    /// The same, with `told` as its HOST.
    pub fn start_at(name: &str, mut command: Command, told: &str) -> Server {
        command.args([told, "0"]);
        let mut program = Program::start(command);
        let line = program.stderr.find(&["listening on"]).unwrap_or_else(|why| {
            let is_on_stdout = program.stdout.seen().concat().contains("listening on");
            let why = if is_on_stdout { say("it is on stdout", &[]) } else { why };
            fail("expected a line with \"listening on\" on stderr, but {}", &[&why])
        });
        let host = if ["", "localhost"].contains(&told) { "127.0.0.1" } else { told };
        // However the address is written: 127.0.0.1:50000, ('127.0.0.1', 50000), ::1 50000.
        let after = line.split("listening on").last().unwrap_or_default();
        let mut numbers = after.split(|character: char| !character.is_ascii_digit());
        let port = numbers.rfind(|number| !number.is_empty());
        let port = port.and_then(|port| port.parse().ok()).filter(|port| ![0, 7890].contains(port));
        match (host.parse::<IpAddr>(), port) {
            (Ok(ip), Some(port)) if after.contains(host) => {
                let is_udp = name.starts_with("udp");
                Server { is_udp, program, address: (ip, port).into() }
            }
            _ => fail(
                "started with HOST {} and PORT 0 (any free port), it should say the address that it has, but it says: {}",
                &[&host, &line],
            ),
        }
    }

    /// A client of this server.
    pub fn client(&self) -> Peer {
        if self.is_udp { Peer::of_udp(self.address) } else { Peer::Tcp(connect(self.address)) }
    }

    /// What it replies.
    pub fn reply(&self) -> &'static [u8] {
        if self.is_udp { UDP_REPLY } else { TCP_REPLY }
    }

    /// Sends `message`, which the server has to answer, and to show in a line with these `parts`.
    pub fn answers(&mut self, client: &mut Peer, message: &[u8], parts: &[&str]) {
        client.sends(message);
        client.expects(self.reply());
        self.program.stdout.wait_for_parts(parts);
    }

    /// The same with the exact text of its output.
    pub fn shows(&mut self, client: &mut Peer, message: &[u8], text: &str) {
        client.sends(message);
        self.program.stdout.expect(&format!("receive messages:{text} from {}", client.address()));
        client.expects(self.reply());
        if self.is_udp {
            self.program.stdout.expect("waiting for messages......");
        }
    }
}
