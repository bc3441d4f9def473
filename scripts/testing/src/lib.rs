//! What the tests of the exercises share. From the bottom to the top, each module using only those
//! before it: constants, failure, process, output, program, machine, subject, peer; then what is
//! checked: both, server and servers, client and clients; then step and harness.
//!
//! Every wait has a deadline, [`DEADLINE`] for each thing that is awaited, and every failure is one
//! sentence that says what was expected and what the program did: its reader is a student whose program
//! it is.

pub mod both;
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
pub mod step;
pub mod subject;

pub use both::*;
pub use client::*;
pub use constants::*;
pub use failure::*;
pub use harness::*;
pub use machine::*;
pub use peer::*;
pub use program::*;
pub use server::*;
pub use step::*;
