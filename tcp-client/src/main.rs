//! Exercise 4: a TCP client. It sends each line over one connection and shows the replies.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use common::gbk::{self, Decoder};
use common::message::{EXIT, RECEIVE_SIZE};
use common::{address, input, note, run, say, screen, wait};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk)
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Create the client's socket and connect it to the server.
    let socket = TcpStream::connect(server).with_context(|| format!("cannot reach {server}"))?;
    address::refuse_oneself(socket.local_addr(), socket.peer_addr())?;

    // Send and receive, a message a line.
    let mut status = ExitCode::SUCCESS;
    let mut decoder = gbk::stream_decoder();
    let mut late = 0; // receives that answer nothing: none before the first message
    while let Some(typed) = input::prompted_line()? {
        let message = gbk::encode(&typed);
        let asked = message.and_then(|message| ask(&socket, &mut decoder, &message, &mut late));
        if typed == EXIT {
            break; // the server closes instead of a reply
        }
        if let Err(reason) = asked {
            note!("{} failed: {reason:#}", screen::quoted(&typed));
            status = ExitCode::FAILURE;
        }
    }

    // Say that nothing more comes, and show what is still on its way.
    let _ = socket.shutdown(Shutdown::Write);
    socket.set_read_timeout(Some(wait::PATIENCE))?;
    while let Some(size) = receive(&socket, &mut decoder, true).unwrap_or(Some(0)) {
        if size == 0 {
            return Ok(status); // closed, or reset, which Windows tells again and again
        }
    }
    note!("{server} has not closed the connection");
    Ok(status)
}

/// Sends one message and waits for its reply. A long one goes a receive at a time, each piece once
/// the one before is answered: the tutorial's server decodes each receive alone.
fn ask(socket: &TcpStream, decoder: &mut Decoder, message: &[u8], late: &mut usize) -> Result<()> {
    for mut piece in gbk::pieces(message, RECEIVE_SIZE) {
        while !piece.is_empty() {
            // What has come by now answers nothing, or the first message, as from netcat with a file.
            for _ in 0..*late {
                let Some(1..) = receive(socket, decoder, false)? else { break };
            }
            *late = wait::MOST_LATE;
            socket.set_nonblocking(true)?;
            match wait::unless_in_vain(|| (&*socket).write(piece)).context("cannot send")? {
                Some(size) => piece = &piece[size..],
                None => wait::a_moment(), // no room: the server may be waiting for room for its replies
            }
        }
        ensure!(receive(socket, decoder, true)? > Some(0), "the server has closed the connection");
    }
    Ok(())
}

/// Receives once and shows it: how many bytes, 0 at the end, or `None` when nothing has come.
fn receive(socket: &TcpStream, decoder: &mut Decoder, waits: bool) -> io::Result<Option<usize>> {
    socket.set_nonblocking(!waits)?;
    let mut buffer = [0; RECEIVE_SIZE];
    let received = wait::unless_in_vain(|| (&*socket).read(&mut buffer))?;
    let text = gbk::decode_next(decoder, &buffer[..received.unwrap_or(0)], received == Some(0));
    if matches!(received, Some(1..)) || !text.is_empty() {
        say!("{}", screen::printable(&text));
    }
    Ok(received)
}
