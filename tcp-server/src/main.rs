//! Exercise 3: a TCP server. It answers every message of every connection, a thread for each.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use common::gbk::StreamDecoder;
use common::message::{RECEIVE_SIZE, is_exit};
use common::screen::{end, line, note, printable};
use common::{address, gbk};

const NAME: &str = env!("CARGO_PKG_NAME");
const REPLY: &str = "我是一个TCP服务器!!";
const PAUSE: Duration = Duration::from_millis(100);
const MOST_THREADS: usize = 10_000; // far beyond, Linux has no memory mappings left and std aborts

fn main() -> ExitCode {
    end(NAME, serve())
}

fn serve() -> Result<ExitCode> {
    // Create the listening socket: bind it to the address and make it passive.
    let address = address::from_arguments(NAME)?;
    let listener =
        TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    note(NAME, &format!("listening on {}", listener.local_addr()?));

    let threads = Arc::new(()); // every thread holds one, which counts them
    let mut told = false;
    loop {
        // Accept a client: a new socket for this connection alone.
        let (client, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            // Out of descriptors, most likely. One line a time is enough, and a try now and then:
            // the client stays in the backlog until another one leaves.
            Err(error) => {
                if !told {
                    note(NAME, &format!("cannot accept: {error}"));
                }
                told = true;
                thread::sleep(PAUSE);
                continue;
            }
        };
        told = false;

        // A thread of its own, so that a client that says nothing holds up nobody.
        let counted = Arc::clone(&threads);
        let started = match Arc::strong_count(&threads) {
            ..=MOST_THREADS => thread::Builder::new().spawn(move || attend(client, peer, counted)),
            _ => Err(io::Error::other(format!("{MOST_THREADS} are running"))),
        };
        if let Err(error) = started {
            note(NAME, &format!("{peer}: cannot start a thread: {error}"));
        }
    }
}

/// One connection, from its first message to its end.
fn attend(mut client: TcpStream, peer: SocketAddr, _counted: Arc<()>) {
    let peer = &peer.to_string();
    line(NAME, format_args!("connect from : {peer}"));
    let mut decoder = StreamDecoder::new();
    if let Err(error) = answer(&mut client, peer, &mut decoder) {
        note(NAME, &format!("{peer}: {error:#}"));
    }
    let half = decoder.finish();
    if !half.is_empty() {
        line(NAME, format_args!("receive messages:{half} from {peer}"));
    }
    line(NAME, format_args!("disconnect from : {peer}"));
}

/// Receives, prints and replies until the client leaves.
fn answer(client: &mut TcpStream, peer: &str, decoder: &mut StreamDecoder) -> Result<()> {
    let reply = gbk::encode(REPLY.as_bytes())?;
    let mut buffer = [0; RECEIVE_SIZE];
    loop {
        let size = client.read(&mut buffer)?;
        if size == 0 {
            return Ok(()); // the client has closed its side
        }
        let message = &buffer[..size];
        let text = decoder.decode(message);
        line(NAME, format_args!("receive messages:{} from {peer}", printable(&text)));
        if is_exit(message, &text) {
            return Ok(());
        }
        client.write_all(&reply)?;
    }
}
