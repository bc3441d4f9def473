//! Exercise 1: a UDP server. It answers every datagram, and stops at the exit message.

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;

use anyhow::{Context, Result};
use common::message::{DATAGRAM_SIZE, is_exit};
use common::{gbk, note, run, say, screen, wait};

const REPLY: &str = "我是UDP服务器,已接收到你发来的消息!";

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve)
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Create the server's socket and bind it to the address that clients send to.
    let socket = UdpSocket::bind(address).with_context(|| format!("cannot bind {address}"))?;
    note!("listening on {}", socket.local_addr()?);

    let reply = gbk::encode(REPLY.as_bytes())?;
    let mut buffer = [0; DATAGRAM_SIZE];
    loop {
        say!("waiting for messages......");

        // Receive one datagram: all of it, and where it came from.
        let (size, peer) = receive(&socket, &mut buffer);
        let message = &buffer[..size];
        let text = gbk::decode(message);
        say!("receive messages:{} from {peer}", screen::printable(&text));

        if is_exit(message, &text) {
            return Ok(ExitCode::SUCCESS); // leaving closes the socket
        }
        if message == reply {
            continue; // from another server: the two would answer each other for ever
        }

        // Reply to the sender. One that cannot be reached is no reason to stop serving the others.
        if let Err(error) = socket.send_to(&reply, peer) {
            note!("cannot reply to {peer}: {error}");
        }
    }
}

/// Waits for the next datagram, whatever goes wrong before it comes.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> (usize, SocketAddr) {
    let mut told = None;
    loop {
        match socket.recv_from(buffer) {
            Ok(received) => return received,
            // On Windows, a reply to a client that has left comes back here as a reset.
            Err(error) if screen::is_due(&mut told) => note!("cannot receive: {error}"),
            Err(_) => wait::a_moment(), // it goes on
        }
    }
}
