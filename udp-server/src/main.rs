//! Exercise 1: a UDP server. It answers every datagram, and stops at the exit message.

use std::net::UdpSocket;
use std::process::ExitCode;

use anyhow::{Context, Result};
use common::message::{DATAGRAM_SIZE, is_exit};
use common::screen::{end, line, note, printable};
use common::{address, gbk};

const NAME: &str = env!("CARGO_PKG_NAME");
const REPLY: &str = "我是UDP服务器,已接收到你发来的消息!";

fn main() -> ExitCode {
    end(NAME, serve())
}

fn serve() -> Result<ExitCode> {
    // Create the server's socket and bind it to the address that clients send to.
    let address = address::from_arguments(NAME)?;
    let socket = UdpSocket::bind(address).with_context(|| format!("cannot bind {address}"))?;
    note(NAME, &format!("listening on {}", socket.local_addr()?));

    let reply = gbk::encode(REPLY.as_bytes())?;
    let mut buffer = [0; DATAGRAM_SIZE];
    loop {
        line(NAME, format_args!("waiting for messages......"));

        // Receive one datagram: all of it, and where it came from.
        let (size, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            // On Windows, a reply to a client that has left comes back here as a reset.
            Err(error) => {
                note(NAME, &format!("cannot receive: {error}"));
                continue;
            }
        };
        let message = &buffer[..size];
        let text = gbk::decode(message);
        line(NAME, format_args!("receive messages:{} from {peer}", printable(&text)));

        if is_exit(message, &text) {
            return Ok(ExitCode::SUCCESS); // leaving closes the socket
        }

        // Reply to the sender. One that cannot be reached is no reason to stop serving the others.
        if let Err(error) = socket.send_to(&reply, peer) {
            note(NAME, &format!("cannot reply to {peer}: {error}"));
        }
    }
}
