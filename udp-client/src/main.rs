//! Exercise 2: a UDP client. It sends each line as a datagram and shows the reply.

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use common::message::{self, DATAGRAM_SIZE, EXIT};
use common::{address, gbk, input, note, run, say, screen, wait};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk)
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Create the client's socket.
    let mut socket = connected_socket(server)?;

    // Send and receive: each line is a message.
    let mut status = ExitCode::SUCCESS;
    while let Some(line) = input::prompted_line()? {
        let message = match message::encode_datagram(&line) {
            Ok(message) => message,
            Err(reason) => {
                note!("{} failed: {reason}", screen::quoted(&line));
                status = ExitCode::FAILURE;
                continue; // nothing was sent
            }
        };
        if let Err(reason) = ask(&socket, server, &message) {
            // `:#` shows the whole reason: what was tried, and why it failed.
            note!("{} failed: {reason:#}", screen::quoted(&line));
            status = ExitCode::FAILURE;
            // A new port for the next message: a late reply to this one must not answer it.
            if let Ok(new_socket) = connected_socket(server) {
                socket = new_socket; // only this closes the old one, so the two ports differ
            }
        }
        if message == EXIT {
            break;
        }
    }
    Ok(status)
}

/// The tutorial's client does not bind. In Rust it must; with port 0 the kernel chooses the port.
/// On UDP `connect` sends nothing. After it, the kernel drops datagrams from other addresses, and
/// reports an error if the server's machine answers that nothing uses the port (ICMP).
fn connected_socket(server: SocketAddr) -> Result<UdpSocket> {
    let local = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).with_context(|| format!("cannot bind {local}"))?;
    socket.connect(server).with_context(|| format!("cannot reach {server}"))?;
    socket.set_read_timeout(Some(wait::TIMEOUT))?;
    Ok(socket)
}

/// Sends one message, waits for its reply and shows it. The exit message gets no reply.
fn ask(socket: &UdpSocket, server: SocketAddr, message: &[u8]) -> Result<()> {
    socket.send(message).with_context(|| format!("cannot reach {server}"))?;
    if message == EXIT {
        return Ok(());
    }
    let mut buffer = [0; DATAGRAM_SIZE];
    let received = wait::none_on_timeout(|| socket.recv(&mut buffer)).map_err(address::as_refused);
    let received = received.with_context(|| format!("cannot reach {server}"))?;
    let Some(size) = received else {
        bail!("no reply from {server} within {} seconds", wait::TIMEOUT.as_secs());
    };
    say!("{}", screen::escaped(&gbk::decode(&buffer[..size])));
    Ok(())
}
