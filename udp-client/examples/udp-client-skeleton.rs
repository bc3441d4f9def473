//! Exercise 2: a UDP client. It sends each line as a datagram and shows the reply.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk) // looks at HOST and PORT, and reports an error
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Step 1: make a socket (std::net::UdpSocket; which port does a client need?). Read a line
    // (common::input::prompted_line), send it in GBK (common::gbk::encode) to the server, receive
    // the reply, and show its text with say! (common::gbk::decode).

    // Step 2: do that again and again, until an empty line: then prompted_line returns None.

    // Step 3: send the exit message (common::message::EXIT) too, and leave without waiting.

    // Step 4: what encode refuses is told with note!, the next line is read, and the status in the end
    // is ExitCode::FAILURE. A reply may have control characters
    // (common::screen::escaped).

    // Step 5: who waits for a reply that never comes? common::wait::TIMEOUT. Who learns that nobody
    // listens at the port? Look up what `connect` means for a UDP socket. And whom does a reply find
    // that comes late, while the next message waits for its own?

    // Step 6: a stranger's datagram, a second reply: how do they answer no message?

    // Step 7: nobody listens, and the kernel gives the client that very port: who answers
    // (common::address::refuse_oneself)? The letter of the contract; scripts/check.sh says what is missing.

    note!("nothing is here yet that talks to {server}");
    Ok(ExitCode::SUCCESS)
}
