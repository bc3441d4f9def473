//! What the four programs share, so that each `main.rs` shows nothing but its socket calls: the command
//! line ([`address`]), the encoding ([`gbk`]), messages ([`message`]), what is printed ([`screen`]) and
//! typed ([`input`]), and how long a program waits ([`wait`]). Nothing in here opens a socket.

#![warn(missing_docs)]

pub mod address;
pub mod gbk;
pub mod input;
pub mod message;
pub mod screen;
pub mod wait;

pub use address::run;
