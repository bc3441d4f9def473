//! What the tests share. From the bottom to the top, each module using only those before it:
//! constants, failure, machine, process, output, program, subject, socket, peer; then what is checked:
//! both, server and servers, calls, client and clients; then step and harness; and workspace, which
//! builds and starts what is in this repository.
//!
//! Every wait has a deadline, [`DEADLINE`] for each thing that is awaited, and every failure is one
//! sentence that says what was expected and what the program did: its reader is a student whose program
//! it is.

pub mod both;
pub mod calls;
pub mod client;
pub mod clients;
pub mod constants;
pub mod failure;
pub mod harness;
pub mod machine;
pub mod output;
pub mod peer;
pub mod process;
pub mod program;
pub mod server;
pub mod servers;
pub mod socket;
pub mod step;
pub mod subject;
pub mod workspace;

pub use both::*;
pub use client::*;
pub use constants::*;
pub use failure::*;
pub use harness::*;
pub use machine::*;
pub use output::*;
pub use peer::*;
pub use program::*;
pub use server::*;
pub use socket::*;
pub use step::*;
pub use workspace::*;
