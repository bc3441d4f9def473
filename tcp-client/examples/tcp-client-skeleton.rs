//! Exercise 4: a TCP client. It sends each line over one connection and shows the replies.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk) // looks at HOST and PORT, and reports an error
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Step 1: connect to the server (std::net::TcpStream). Read a line
    // (common::input::prompted_line), send it in GBK (common::gbk::encode, std::io::Write), receive
    // the reply (std::io::Read), and show its text with say! (common::gbk::decode).

    // Step 2: do that again and again.

    // Step 3: an empty line and the end of the input leave (prompted_line returns None): tell the
    // server that nothing more comes (shutdown), and show what still comes. Send the exit message
    // (common::message::EXIT) too, and leave when the server has closed or replied: the tutorial's
    // replies and keeps the connection open.

    // Step 4: what encode refuses is told with note!, the next line is read, and the status in the end
    // is ExitCode::FAILURE. A reply may have control characters
    // (common::screen::escaped).

    // Step 5: half a character of a reply waits for its other half (common::gbk::stream_decoder). A
    // long line goes in pieces, each after the reply to the one before (common::gbk::pieces).

    // Step 6: what if the server closes, resets, or does not close when the client leaves
    // (common::wait::TIMEOUT)?

    // Step 7: nobody listens, and the kernel gives the client that very port: who answers
    // (common::address::refuse_oneself)? The letter of the contract; scripts/check.sh says what is missing.

    note!("nothing is here yet that talks to {server}");
    Ok(ExitCode::SUCCESS)
}
