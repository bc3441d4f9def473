//! Exercise 1: a UDP server. It answers every datagram, and stops at the exit message.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve) // looks at HOST and PORT, and reports an error
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Step 1: make a socket that is bound to the address (std::net::UdpSocket), and say with note!
    // "listening on" and the socket's own address. Say with say! "waiting for messages......",
    // receive one datagram into a buffer, and say "receive messages:TEXT from PEER"
    // (common::gbk::decode). Send the reply, in GBK, back to where it came from:
    // 我是UDP服务器,已接收到你发来的消息!

    // Step 2: do that again and again.

    // Step 3: stop at the exit message (common::message::EXIT), with ExitCode::SUCCESS.

    // Step 4: how large must the buffer be for the largest datagram (common::message)?

    // Step 5: what if the text has control characters (common::screen::escaped)?

    // Step 6: what if a receive or a send fails, and what if the message is your own reply? An
    // address that it cannot have is an error that names it (anyhow's with_context).

    // Step 7: the letter of the contract; scripts/check.sh says what is missing.

    note!("nothing is here yet that serves {address}");
    Ok(ExitCode::SUCCESS)
}
