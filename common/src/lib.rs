//! What the four programs share, so that each `main.rs` shows its socket calls and little else: the
//! command line ([`address`]), the encoding ([`gbk`]), messages ([`message`]), what is printed
//! ([`screen`]) and typed ([`input`]), how long to wait ([`wait`]). Nothing here opens a socket.

#![warn(missing_docs)]

pub mod address;
pub mod gbk;
pub mod input;
pub mod message;
pub mod screen;
pub mod wait;

pub use address::run;
