//! What the tests share: the real programs, started and awaited and always taken down, and plain
//! sockets that play the other side.
//!
//! Every wait has a deadline, [`DEADLINE`] for each thing that is awaited, and every surprise is a
//! panic that says in one sentence what the program did and what was expected: the reader is a
//! student whose program it is.

use std::time::Duration;

pub mod check;
pub mod clients;
pub mod lines;
pub mod machine;
pub mod program;
pub mod servers;
pub mod socket;
pub mod subject;
pub mod words;

pub use check::*;
pub use lines::*;
pub use machine::*;
pub use program::*;
pub use socket::*;
pub use subject::*;
pub use words::*;

/// How long anything may take. Far more than it does take on a busy machine, and short enough to
/// wait for when a program hangs.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How long a program that should do nothing is watched.
pub const A_WHILE: Duration = Duration::from_millis(200);

/// The UDP server's reply as a client shows it.
pub const UDP_REPLY_TEXT: &str = "我是UDP服务器,已接收到你发来的消息!";

/// The same in GBK.
pub const UDP_REPLY: &[u8] =
    b"\xce\xd2\xca\xc7UDP\xb7\xfe\xce\xf1\xc6\xf7,\xd2\xd1\xbd\xd3\xca\xd5\
    \xb5\xbd\xc4\xe3\xb7\xa2\xc0\xb4\xb5\xc4\xcf\xfb\xcf\xa2!";

/// The TCP server's reply as a client shows it.
pub const TCP_REPLY_TEXT: &str = "我是一个TCP服务器!!";

/// The same in GBK.
pub const TCP_REPLY: &[u8] = b"\xce\xd2\xca\xc7\xd2\xbb\xb8\xf6TCP\xb7\xfe\xce\xf1\xc6\xf7!!";

/// `你好` in GBK.
pub const NI_HAO: &[u8] = b"\xc4\xe3\xba\xc3";
