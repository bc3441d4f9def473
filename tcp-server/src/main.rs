//! Exercise 3: a TCP server. Each connection has its own thread, which answers every message.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::{process::ExitCode, sync::Arc, thread};

use anyhow::{Context, Result};
use common::message::{EXIT, RECEIVE_SIZE};
use common::{gbk, note, run, say, screen, wait};

const REPLY: &str = "我是一个TCP服务器!!";
const MAX_CONNECTIONS: usize = 10_000; // far more threads exceed vm.max_map_count, and std aborts

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve)
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Create the listening socket. In Rust `bind` also listens, with the tutorial's backlog of 128.
    let listener = TcpListener::bind(address).with_context(|| format!("cannot bind {address}"))?;
    note!("listening on {}", listener.local_addr()?);

    // Each connection's thread holds a clone of this `Arc`: its count is the connections plus 1.
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
        // Start a thread for this client, so that the others do not wait. `thread::spawn` panics if
        // that fails; `Builder` returns an error, and the client is closed with the closure.
        let place = Arc::clone(&connections);
        if let Err(error) = thread::Builder::new().spawn(move || handle(client, peer, place)) {
            note!("{peer}: cannot start a thread: {error}");
        }
    }
}

/// Serves one connection, from its first message to its end.
fn handle(mut client: TcpStream, peer: SocketAddr, place: Arc<()>) {
    say!("connect from : {peer}");
    if let Err(error) = answer(&mut client, &peer.to_string()) {
        note!("{peer}: {error}");
    }
    say!("disconnect from : {peer}");
    drop(place); // before `client` closes: when the client sees that, its place is already free
}

/// Receives, shows and replies until the client leaves. An error ends this connection alone.
fn answer(client: &mut TcpStream, peer: &str) -> Result<()> {
    let reply = gbk::encode(REPLY.as_bytes())?;
    let mut decoder = gbk::stream_decoder();
    let mut buffer = [0; RECEIVE_SIZE];
    loop {
        let size = client.read(&mut buffer)?; // 0 if the client sends nothing more
        let message = &buffer[..size];
        let text = gbk::decode_part(&mut decoder, message); // at the end half a character, or ""
        if size > 0 || !text.is_empty() {
            say!("receive messages:{} from {peer}", screen::escaped(&text));
        }
        // Compare both: half a character before `exit` changes `text`, one after it `message`.
        if size == 0 || (message == EXIT && text.as_bytes() == EXIT) {
            return Ok(());
        }
        client.write_all(&reply)?;
    }
}
