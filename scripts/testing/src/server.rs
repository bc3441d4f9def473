//! A server that is ready: started on a free port, and asked by clients.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use crate::constants::{DEADLINE, TCP_REPLY, UDP_REPLY};
use crate::failure::{ensure, fail, say};
use crate::peer::{Peer, reason};
use crate::program::Program;
use crate::subject;

/// A server that is ready.
pub struct Server {
    /// The process and what it prints; the line that says where it listens is read already.
    pub program: Program,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The server that is tested, on a free port of 127.0.0.1.
pub fn serve() -> Server {
    serve_at("127.0.0.1", subject::command())
}

/// The same at that `host`, with another `command`.
pub fn serve_at(host: &str, mut command: Command) -> Server {
    command.args([host, "0"]);
    let mut program = Program::start(command);
    let line = program.stderr.find(&["listening on"]).unwrap_or_else(|why| {
        let is_on_stdout = program.stdout.seen().concat().contains("listening on");
        let why = if is_on_stdout { say("it is on stdout", &[]) } else { why };
        fail("expected a line with \"listening on\" on stderr, but {}", &[&why])
    });
    let own = if ["", "localhost"].contains(&host) { "127.0.0.1" } else { host };
    // However the address is written: 127.0.0.1:50000, ('127.0.0.1', 50000), ::1 50000.
    let after = line.split("listening on").last().unwrap_or_default();
    let mut numbers = after.split(|character: char| !character.is_ascii_digit());
    let port = numbers.rfind(|number| !number.is_empty());
    let port = port.and_then(|port| port.parse().ok()).unwrap_or(0);
    let is_right = after.contains(own) && ![0, 7890].contains(&port);
    let english = "started with HOST {} and PORT 0 (any free port), it should say the address that it \
                   has, but it says: {}";
    ensure(is_right, english, &[&own, &line]);
    let ip = own.parse().expect("HOST is an IP address");
    Server { program, address: SocketAddr::new(ip, port) }
}

impl Server {
    /// A client of this server.
    pub fn client(&self) -> Peer {
        if subject::is_udp() {
            return Peer::of_udp(self.address);
        }
        let connection = TcpStream::connect_timeout(&self.address, DEADLINE);
        Peer::of_tcp(connection.unwrap_or_else(|error| {
            fail("no connection can be made to {}: {}", &[&self.address, &reason(&error)])
        }))
    }

    /// What it replies.
    pub fn reply(&self) -> &'static [u8] {
        if subject::is_udp() { UDP_REPLY } else { TCP_REPLY }
    }

    /// Sends `message`, which the server has to answer, and to show in a line with these `parts`.
    pub fn answers(&mut self, client: &mut Peer, message: &[u8], parts: &[&str]) {
        client.sends(message);
        client.expects(self.reply());
        self.program.stdout.wait_for(parts);
    }

    /// The same with the exact text of its output.
    pub fn shows(&mut self, client: &mut Peer, message: &[u8], text: &str) {
        client.sends(message);
        self.program.stdout.expect(&format!("receive messages:{text} from {}", client.address()));
        client.expects(self.reply());
        if subject::is_udp() {
            self.program.stdout.expect("waiting for messages......");
        }
    }
}
