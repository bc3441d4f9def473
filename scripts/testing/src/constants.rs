//! How long the tests wait, and what both sides say.

use std::time::Duration;

/// How long anything may take. Far more than it does take on a busy machine, and short enough to
/// wait for when a program hangs.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How long a program that should do nothing is watched.
pub const A_WHILE: Duration = Duration::from_millis(200);

/// The UDP server's reply in GBK: 我是UDP服务器,已接收到你发来的消息!
pub const UDP_REPLY: &[u8] =
    b"\xce\xd2\xca\xc7UDP\xb7\xfe\xce\xf1\xc6\xf7,\xd2\xd1\xbd\xd3\xca\xd5\
    \xb5\xbd\xc4\xe3\xb7\xa2\xc0\xb4\xb5\xc4\xcf\xfb\xcf\xa2!";

/// The TCP server's reply in GBK: 我是一个TCP服务器!!
pub const TCP_REPLY: &[u8] = b"\xce\xd2\xca\xc7\xd2\xbb\xb8\xf6TCP\xb7\xfe\xce\xf1\xc6\xf7!!";

/// `你好` in GBK.
pub const NI_HAO: &[u8] = b"\xc4\xe3\xba\xc3";
