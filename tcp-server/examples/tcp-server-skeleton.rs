//! Exercise 3: a TCP server. 练习 3：TCP 服务器。

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve) // HOST, PORT, errors 主机、端口、错误
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Step 1: make a listening socket at `address` (std::net::TcpListener). Print with note!
    // "listening on" and the socket's own address. Accept a client, and print with say! "connect
    // from : PEER". Receive (std::io::Read, common::message::RECEIVE_SIZE), print "receive
    // messages:TEXT from PEER" (common::gbk::decode), and send the reply in GBK:
    // 我是一个TCP服务器!!
    // 第 1 步：在 `address` 上监听，用 note! 打印 "listening on" 和实际地址；接受一个客户端，打印
    // "connect from : PEER"；接收，打印消息，把上面的回复用 GBK 编码发回去。

    // Step 2: go on with this client until a receive returns 0 bytes. Then print "disconnect from :
    // PEER", and accept the next client.
    // 第 2 步：继续接收，直到返回 0 字节；打印 "disconnect from : PEER"，再接受下一个客户端。

    // Step 3: close the connection after the exit message (common::message::EXIT).
    // 第 3 步：收到退出消息后关闭该连接。

    // Step 4: serve each client in a thread (std::thread). 第 4 步：每个客户端用一个线程。

    // Step 5: half a character waits for the rest (common::gbk::stream_decoder, decode_part).
    // 第 5 步：半个字符要等另一半到达。

    // Step 6: a reset ends only its own connection. Escape control characters
    // (common::screen::escaped). An error names the address (anyhow's with_context).
    // 第 6 步：连接被重置时只结束该连接；转义控制字符；错误信息要写明地址。

    // Step 7: the rest of the contract; scripts/check.sh says what is missing.
    // 第 7 步：约定的其余部分，scripts/check.sh 会指出缺什么。

    note!("nothing is here yet that serves {address}");
    Ok(ExitCode::SUCCESS)
}
