//! What the four programs share, so that each `main.rs` shows nothing but its socket calls.
//!
//! A module each: the command line ([`address`]), the wire's encoding ([`gbk`]), what a message is
//! ([`message`]), what is printed ([`screen`]) and typed ([`input`]), a call that has waited in vain
//! ([`wait`]). Nothing in here opens a socket.

#![warn(missing_docs)]

pub mod address;
pub mod gbk;
pub mod input;
pub mod message;
pub mod screen;
pub mod wait;

pub use address::run;
