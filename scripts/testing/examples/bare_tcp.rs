//! What a TCP server costs at the least: receive and reply, nothing decoded, no message printed.
//! `TCP_SERVER=target/release/examples/bare_tcp scripts/load.sh tcp` measures it.

use std::env;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use testing::TCP_REPLY;

fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let listener = TcpListener::bind(arguments.join(":"))?;
    eprintln!("bare_tcp: listening on {}", listener.local_addr()?);
    loop {
        let (mut client, peer) = listener.accept()?;
        println!("connect from : {peer}"); // load.sh waits for all clients
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while client.read(&mut buffer).is_ok_and(|size| size > 0) {
                if client.write_all(TCP_REPLY).is_err() {
                    break;
                }
            }
        });
    }
}
