//! Exercise 3: a TCP server. It answers every message of every connection, a thread for each.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::{process::ExitCode, sync::Arc, thread, time::Instant};

use anyhow::{Context, Result};
use common::message::{RECEIVE_SIZE, is_exit};
use common::{gbk, note, run, say, screen, wait};

const REPLY: &str = "我是一个TCP服务器!!";
const MOST: usize = 10_000; // connections; far beyond, Linux has no memory mappings left and std aborts

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve)
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Create the listening socket: bind it to the address and make it passive.
    let socket =
        TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    note!("listening on {}", socket.local_addr()?);

    let connections = Arc::new(()); // each connection's thread holds it once more, which counts them
    let mut told = None;
    loop {
        // Accept a client: a new socket for this connection alone.
        let (client, peer) = accept(&socket, &mut told);
        if Arc::strong_count(&connections) > MOST {
            note!("{peer}: closed, {MOST} clients are connected");
            continue;
        }
        // A thread of its own, so that a client that says nothing holds up nobody.
        let counted = Arc::clone(&connections);
        if let Err(error) = thread::Builder::new().spawn(move || attend(client, peer, counted)) {
            note!("{peer}: cannot start a thread: {error}");
        }
    }
}

/// Waits for a client. Out of descriptors, it stays in the backlog until another one leaves.
fn accept(socket: &TcpListener, told: &mut Option<Instant>) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept() {
            Ok(accepted) => return accepted,
            Err(error) if screen::is_due(told) => note!("cannot accept: {error}"),
            Err(_) => wait::a_moment(), // it goes on
        }
    }
}

/// One connection, from its first message to its end.
fn attend(mut client: TcpStream, peer: SocketAddr, _counted: Arc<()>) {
    let peer = &peer.to_string();
    say!("connect from : {peer}");
    if let Err(error) = answer(&mut client, peer) {
        note!("{peer}: {error:#}");
    }
    say!("disconnect from : {peer}");
}

/// Receives, prints and replies until the client leaves.
fn answer(client: &mut TcpStream, peer: &str) -> Result<()> {
    let reply = gbk::encode(REPLY.as_bytes())?;
    let mut decoder = gbk::stream_decoder();
    let mut buffer = [0; RECEIVE_SIZE];
    loop {
        let received = client.read(&mut buffer);
        let size = *received.as_ref().unwrap_or(&0); // an error is an end too
        let message = &buffer[..size];
        let text = gbk::decode_next(&mut decoder, message, size == 0);
        if size > 0 || !text.is_empty() {
            say!("receive messages:{} from {peer}", screen::printable(&text));
        }
        if size == 0 || is_exit(message, &text) {
            return Ok(received.map(drop)?); // 0 is the end: the client has closed its side
        }
        client.write_all(&reply)?;
    }
}
