//! Exercise 4: a TCP client. It sends each line over one connection and shows the replies.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use common::gbk::StreamDecoder;
use common::message::{EXIT, RECEIVE_SIZE};
use common::screen::{end, failed, line, printable};
use common::{address, gbk, input};

const NAME: &str = env!("CARGO_PKG_NAME");
const PATIENCE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5); // so that a server that goes on keeps nobody

fn main() -> ExitCode {
    end(NAME, talk())
}

fn talk() -> Result<ExitCode> {
    // Create the client's socket and connect it to the server.
    let address = address::from_arguments(NAME)?;
    let mut server =
        TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    // The kernel may give out the very port that nobody listens at, and connect us to ourselves.
    let own = server.local_addr()?;
    ensure!(
        server.peer_addr().ok() != Some(own),
        "cannot connect to {address}: Connection refused"
    );

    // Replies are read while messages are sent. A client that did one after the other would wait
    // for ever, together with a server whose replies to half a line fill the kernel's buffers.
    let incoming = server.try_clone().context("cannot share the socket")?;
    let (shown, replies) = mpsc::channel();
    thread::Builder::new()
        .spawn(move || show_replies(incoming, shown))
        .context("cannot start a thread")?;

    // Send and receive, a message a line.
    let mut status = ExitCode::SUCCESS;
    let mut next = input::prompted_line(NAME)?;
    while let Some(typed) = next {
        let asked = gbk::encode(&typed).and_then(|message| ask(&mut server, &message, &replies));
        if typed == EXIT {
            break; // the server closes instead of a reply
        }
        if let Err(reason) = asked {
            failed(NAME, &typed, &reason);
            status = ExitCode::FAILURE;
        }
        next = input::prompted_line(NAME)?;
        // What has come by now answers nothing that is still to be sent.
        while let Ok(Ok(())) = replies.try_recv() {}
    }

    // Say that nothing more comes, and show what is still on its way.
    let _ = server.shutdown(Shutdown::Write);
    let leaving = Instant::now();
    while leaving.elapsed() < LONGEST && replies.recv_timeout(PATIENCE).is_ok() {}
    Ok(status)
}

/// Sends one message and waits for its reply.
///
/// A long one goes a receive at a time, each piece once the one before is answered. Sent together
/// they could arrive cut anywhere, and the tutorial's server decodes each receive alone.
fn ask(server: &mut TcpStream, message: &[u8], replies: &Receiver<io::Result<()>>) -> Result<()> {
    for piece in gbk::pieces(message, RECEIVE_SIZE) {
        server.write_all(piece).context("cannot send")?;
        match replies.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => bail!("the server has closed the connection"),
        }
    }
    Ok(())
}

/// Shows each reply as it comes, and tells of it, until the server closes the connection.
fn show_replies(mut server: TcpStream, shown: Sender<io::Result<()>>) {
    let mut decoder = StreamDecoder::new();
    let mut buffer = [0; RECEIVE_SIZE];
    loop {
        match server.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => {
                line(NAME, format_args!("{}", printable(&decoder.decode(&buffer[..size]))));
                let _ = shown.send(Ok(())); // the main thread may have left
            }
            Err(error) => {
                let _ = shown.send(Err(error));
                break;
            }
        }
    }
    let half = decoder.finish();
    if !half.is_empty() {
        line(NAME, format_args!("{half}"));
    }
}
