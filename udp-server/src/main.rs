//! Exercise 1: a UDP server. It answers every datagram, and stops at the exit message.

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;

use anyhow::{Context, Result};
use common::message::{DATAGRAM_SIZE, EXIT};
use common::{gbk, note, run, say, screen, wait};

const REPLY: &str = "我是UDP服务器,已接收到你发来的消息!";

fn main() -> ExitCode {
    // `run` turns HOST and PORT of the command line into an address, and calls `serve` with it.
    run(env!("CARGO_PKG_NAME"), serve)
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Create the server's socket and bind it to the address that clients send to.
    // `with_context` adds to an error what was tried; `?` ends `serve` and returns that error.
    let socket = UdpSocket::bind(address).with_context(|| format!("cannot bind {address}"))?;
    // `note!` prints on stderr, `say!` on stdout, which carries the conversation.
    note!("listening on {}", socket.local_addr()?);

    let reply = gbk::encode(REPLY.as_bytes())?;
    let mut buffer = [0; DATAGRAM_SIZE];
    loop {
        say!("waiting for messages......");

        // Receive one datagram: all of it, and the address of its sender.
        let (size, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) => {
                note!("cannot receive: {error}");
                wait::pause_before_retry(&error);
                continue;
            }
        };
        let message = &buffer[..size];
        say!("receive messages:{} from {peer}", screen::escaped(&gbk::decode(message)));

        if message == EXIT {
            return Ok(ExitCode::SUCCESS); // `socket` goes out of scope, which closes it
        }
        if message == reply {
            continue; // it is a server's reply: the two would answer each other for ever
        }

        // Reply to the sender. If this fails, the server still serves the others.
        if let Err(error) = socket.send_to(&reply, peer) {
            note!("cannot reply to {peer}: {error}");
        }
    }
}
