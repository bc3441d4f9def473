//! Exercise 3: a TCP server. It answers every message of every connection, each in its own thread.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::{process::ExitCode, sync::Arc, thread};

use anyhow::{Context, Result};
use common::message::{EXIT, RECEIVE_SIZE};
use common::{gbk, note, run, say, screen, wait};

const REPLY: &str = "我是一个TCP服务器!!";
const MAX_CONNECTIONS: usize = 10_000; // far more threads exhaust Linux's mappings, and std aborts

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve)
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Create the listening socket. In Rust `bind` also listens (128 connections may wait).
    let listener = TcpListener::bind(address).with_context(|| format!("cannot bind {address}"))?;
    note!("listening on {}", listener.local_addr()?);

    // Every connection's thread holds a clone: the clones, less our own, count the connections.
    let connections = Arc::new(());
    loop {
        // Accept a client: a new socket, for this connection alone.
        let (client, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                note!("cannot accept: {error}");
                wait::pause_before_retry(&error);
                continue;
            }
        };
        if Arc::strong_count(&connections) > MAX_CONNECTIONS {
            note!("{peer}: closed, {MAX_CONNECTIONS} clients are connected");
            continue; // `client` goes out of scope, which closes it
        }
        // A thread for this client, so that the others need not wait for it. `thread::spawn` would
        // panic if no thread can be started.
        let counted = Arc::clone(&connections);
        if let Err(error) = thread::Builder::new().spawn(move || attend(client, peer, counted)) {
            note!("{peer}: cannot start a thread: {error}");
        }
    }
}

/// Serves one connection, from its first message to its end.
fn attend(mut client: TcpStream, peer: SocketAddr, counted: Arc<()>) {
    say!("connect from : {peer}");
    if let Err(error) = answer(&mut client, peer) {
        note!("{peer}: {error}");
    }
    say!("disconnect from : {peer}");
    drop(counted); // before `client` is closed: a client that sees the end finds a free place
}

/// Receives, shows and replies until the client leaves. An error ends this connection alone.
fn answer(client: &mut TcpStream, peer: SocketAddr) -> Result<()> {
    let reply = gbk::encode(REPLY.as_bytes())?;
    let mut decoder = gbk::stream_decoder();
    let mut buffer = [0; RECEIVE_SIZE];
    loop {
        let size = client.read(&mut buffer)?; // 0 if the client sends nothing more
        let message = &buffer[..size];
        let text = gbk::decode_part(&mut decoder, message);
        if size > 0 || !text.is_empty() {
            say!("receive messages:{} from {peer}", screen::escaped(&text));
        }
        // After half a character, the bytes of `exit` complete it and read as something else.
        if size == 0 || (message == EXIT && text.as_bytes() == EXIT) {
            return Ok(());
        }
        client.write_all(&reply)?;
    }
}
