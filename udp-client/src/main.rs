//! Exercise 2: a UDP client. It sends each line as a datagram and shows the reply.

use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use common::message::{DATAGRAM_SIZE, EXIT, LARGEST_DATAGRAM};
use common::screen::{end, failed, line, printable};
use common::{address, gbk, input};

const NAME: &str = env!("CARGO_PKG_NAME");
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_LATE: usize = 1000; // so that a server that floods holds up nobody

fn main() -> ExitCode {
    end(NAME, talk())
}

fn talk() -> Result<ExitCode> {
    // Create the client's socket.
    let server = address::from_arguments(NAME)?;
    let mut socket = Some(socket_for(server)?);

    // Send and receive, a message a line.
    let mut status = ExitCode::SUCCESS;
    while let Some(typed) = input::prompted_line(NAME)? {
        let asked = gbk::encode(&typed).and_then(|message| ask(&mut socket, server, &message));
        if let Err(reason) = asked {
            failed(NAME, &typed, &reason);
            status = ExitCode::FAILURE;
        }
        if typed == EXIT {
            break;
        }
    }
    Ok(status)
}

/// UDP needs no connection, and `connect` sends nothing. It makes the kernel drop what others send
/// to this socket, and tell it when nobody listens at the server's port.
fn socket_for(server: SocketAddr) -> Result<UdpSocket> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).with_context(|| format!("cannot bind {any}"))?;
    socket.connect(server).with_context(|| format!("cannot reach {server}"))?;
    // The kernel may give out the very port that nobody listens at, and we would hear ourselves.
    ensure!(socket.local_addr()? != socket.peer_addr()?, "Connection refused by {server}");
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// Sends one message, waits for its reply and shows it. The exit message gets none.
fn ask(kept: &mut Option<UdpSocket>, server: SocketAddr, message: &[u8]) -> Result<()> {
    let size = message.len();
    ensure!(
        size <= LARGEST_DATAGRAM,
        "{size} bytes in GBK, and a datagram carries at most {LARGEST_DATAGRAM}"
    );
    let mut buffer = [0; DATAGRAM_SIZE];
    // After a silence a new one: a reply that still comes finds nobody at the old one's port.
    let socket = match kept.take() {
        Some(socket) => socket,
        None => socket_for(server)?,
    };

    // What has come by now answers nothing that is still to be sent.
    socket.set_nonblocking(true)?;
    (0..MOST_LATE).take_while(|_| socket.recv(&mut buffer).is_ok()).count();
    socket.set_nonblocking(false)?;

    socket.send(message).context("cannot send")?;
    if message == EXIT {
        return Ok(());
    }
    let size = loop {
        match socket.recv(&mut buffer) {
            Ok(size) => break size,
            Err(error) => match error.kind() {
                Interrupted => {} // stopped by Ctrl-Z and continued
                WouldBlock | TimedOut => {
                    bail!("no reply from {server} within {} seconds", PATIENCE.as_secs())
                }
                // Windows says reset. Nobody is there, so no reply can come late.
                ConnectionRefused | ConnectionReset => {
                    *kept = Some(socket);
                    bail!("Connection refused by {server}")
                }
                _ => return Err(error.into()),
            },
        }
    };
    line(NAME, format_args!("{}", printable(&gbk::decode(&buffer[..size]))));
    *kept = Some(socket);
    Ok(())
}
