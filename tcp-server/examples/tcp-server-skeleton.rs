//! Exercise 3: a TCP server. It answers every message of every connection, a thread for each.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve) // looks at HOST and PORT, and reports an error
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Step 1: make a listening socket at the address (std::net::TcpListener), and say with note!
    // "listening on" and the socket's own address. Accept a client, and say with say!
    // "connect from : PEER". Receive from it (std::io::Read, common::message::RECEIVE_SIZE), say
    // "receive messages:TEXT from PEER" (common::gbk::decode) and send the reply in GBK:
    // 我是一个TCP服务器!!

    // Step 2: go on with this client until it has closed: then a receive returns 0 bytes. Say
    // "disconnect from : PEER", and accept the next one.

    // Step 3: close the connection at the exit message (common::message::EXIT).

    // Step 4: serve each client in a thread of its own (std::thread).

    // Step 5: half a character waits for its other half (common::gbk::stream_decoder, decode_part).

    // Step 6: a client that resets its connection is no reason to stop serving the others. An address
    // that it cannot have is an error that names it (anyhow's with_context). A message may have control characters (common::screen::escaped).

    // Step 7: the letter of the contract; scripts/check.sh says what is missing.

    note!("nothing is here yet that serves {address}");
    Ok(ExitCode::SUCCESS)
}
