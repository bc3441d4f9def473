//! Exercise 4: a TCP client. It sends each line over one connection and shows the replies.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use common::message::{self, EXIT, RECEIVE_SIZE};
use common::{gbk, input, note, run, say, screen, wait};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk)
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Create the client's socket and connect it to the server.
    let mut socket =
        TcpStream::connect(server).with_context(|| format!("cannot reach {server}"))?;
    socket.set_write_timeout(Some(wait::TIMEOUT))?; // for a server that sends and never receives
    // Send and receive: each line is a message.
    let mut status = ExitCode::SUCCESS;
    let mut decoder = gbk::stream_decoder();
    while let Some(line) = input::prompted_line()? {
        let message = match gbk::encode(&line) {
            Ok(message) => message,
            Err(reason) => {
                note!("{} failed: {reason}", screen::quoted(&line));
                status = ExitCode::FAILURE;
                continue; // nothing was sent
            }
        };
        ask(&mut socket, &mut decoder, &message)
            .with_context(|| format!("{} failed", screen::quoted(&line)))?; // ends the client
        if message == EXIT {
            break;
        }
    }

    // Half-close: tell the server that nothing more comes, and show what it still sends.
    let _ = socket.set_read_timeout(Some(wait::TIMEOUT)); // macOS may refuse it after the shutdown
    let _ = socket.shutdown(Shutdown::Write); // if it fails, the connection is lost: see below
    while let Some(size) = receive(&mut socket, &mut decoder).context("the connection is lost")? {
        if size == 0 {
            ensure!(socket.take_error()?.is_none(), "the server has not received everything");
            return Ok(status); // the server has closed the connection
        }
    }
    note!("{server} has not closed the connection"); // nothing came for five seconds
    Ok(status)
}

/// Sends one message and waits for its reply. A long one goes in pieces, each after the reply to
/// the one before: the tutorial's server decodes each receive alone. `exit` gets no reply.
fn ask(socket: &mut TcpStream, decoder: &mut gbk::Decoder, message: &[u8]) -> Result<()> {
    for piece in message::pieces(message, RECEIVE_SIZE) {
        let sent = wait::none_on_timeout(|| socket.write_all(piece)).context("cannot send")?;
        ensure!(sent.is_some(), "the server takes nothing for {} seconds", wait::TIMEOUT.as_secs());
        if message != EXIT {
            let received = receive(socket, decoder).context("no reply")?;
            ensure!(received != Some(0), "the server has closed the connection");
        }
    }
    Ok(())
}

/// Receives once and shows the text. The number of bytes: 0 at the stream's end, `None` at a time-out.
fn receive(socket: &mut TcpStream, decoder: &mut gbk::Decoder) -> io::Result<Option<usize>> {
    let mut buffer = [0; RECEIVE_SIZE];
    let received = wait::none_on_timeout(|| socket.read(&mut buffer))?;
    let size = received.unwrap_or(0);
    let text = gbk::decode_part(decoder, &buffer[..size]); // at the end half a character, or ""
    if size > 0 || !text.is_empty() {
        say!("{}", screen::escaped(&text));
    }
    Ok(received)
}
