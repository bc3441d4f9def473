//! What the four programs share, so that each `main.rs` shows nothing but its socket calls.
//!
//! A module each: where to connect ([`address`]), the wire's encoding ([`gbk`]), what a message
//! is ([`message`]), what is printed ([`screen`]) and what is typed ([`input`]). Nothing in here
//! opens a socket or knows which program calls it: the program's name is an argument.

#![warn(missing_docs)]

pub mod address;
pub mod gbk;
pub mod input;
pub mod message;
pub mod screen;
