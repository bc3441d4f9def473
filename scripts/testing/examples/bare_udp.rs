//! What a UDP server costs at the least: receive and reply, nothing decoded, nothing printed.
//! `UDP_SERVER=target/release/examples/bare_udp scripts/load.sh udp` measures it.

use std::env;
use std::net::UdpSocket;

use testing::UDP_REPLY;

fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let socket = UdpSocket::bind(arguments.join(":"))?;
    eprintln!("bare_udp: listening on {}", socket.local_addr()?);
    let mut buffer = [0; 65_535];
    loop {
        let (_, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(UDP_REPLY, peer)?;
    }
}
