//! Exercise 2: a UDP client. It sends each line as a datagram and shows the reply.

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use common::message::{DATAGRAM_SIZE, EXIT, check_datagram};
use common::{address, gbk, input, note, run, say, screen, wait};

const MOST_SILENT: usize = 100; // sockets, so that there are descriptors left

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk)
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Create the client's socket. Where that fails, the first message tries again and says why.
    let mut socket = socket_for(server).ok();
    let mut silent = Vec::new();

    // Send and receive, a message a line.
    let mut status = ExitCode::SUCCESS;
    while let Some(typed) = input::prompted_line()? {
        let message = gbk::encode(&typed);
        let asked = message.and_then(|message| ask(server, &mut socket, &mut silent, &message));
        if let Err(reason) = asked {
            note!("{} failed: {reason:#}", screen::quoted(&typed));
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
    address::refuse_oneself(socket.local_addr(), socket.peer_addr())?;
    socket.set_read_timeout(Some(wait::PATIENCE))?;
    Ok(socket)
}

/// Sends one message, waits for its reply and shows it. The exit message gets none.
fn ask(
    server: SocketAddr,
    socket: &mut Option<UdpSocket>,
    silent: &mut Vec<UdpSocket>,
    message: &[u8],
) -> Result<()> {
    check_datagram(message)?;
    let used = match socket {
        Some(used) => used,
        None => socket.insert(socket_for(server)?),
    };
    let mut buffer = [0; DATAGRAM_SIZE];
    // What has come by now answers nothing that is still to be sent.
    used.set_nonblocking(true)?;
    let mut late = (0..wait::MOST_LATE).map(|_| wait::unless_in_vain(|| used.recv(&mut buffer)));
    late.find(|received| matches!(received, Ok(None)));
    used.set_nonblocking(false)?;

    used.send(message).with_context(|| format!("cannot reach {server}"))?;
    if message == EXIT {
        return Ok(());
    }
    let received = wait::unless_in_vain(|| used.recv(&mut buffer)).map_err(address::as_refused);
    let Some(size) = received.with_context(|| format!("cannot reach {server}"))? else {
        // A reply that still comes finds this socket, which keeps its port, and not the next one.
        silent.extend(socket.take());
        silent.drain(..silent.len().saturating_sub(MOST_SILENT));
        bail!("no reply from {server} within {} seconds", wait::PATIENCE.as_secs());
    };
    say!("{}", screen::printable(&gbk::decode(&buffer[..size])));
    Ok(())
}
