//! Exercise 1: a UDP server. 练习 1：UDP 服务器。

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), serve) // HOST, PORT, errors 主机、端口、错误
}

fn serve(address: SocketAddr) -> Result<ExitCode> {
    // Step 1: bind a socket to `address` (std::net::UdpSocket). Print with note! "listening on" and
    // the socket's own address, and with say! "waiting for messages......". Receive one datagram,
    // print "receive messages:TEXT from PEER" (common::gbk::decode), and send the reply in GBK to
    // its sender:
    // 我是UDP服务器,已接收到你发来的消息!
    // 第 1 步：把套接字绑定到 `address`，用 note! 打印 "listening on" 和实际地址，用 say! 打印
    // "waiting for messages......"；接收一个数据报，打印消息和发送方，把上面的回复用 GBK 编码发回去。

    // Step 2: do this for every message. 第 2 步：对每条消息都这样做。

    // Step 3: stop after the exit message (common::message::EXIT). 第 3 步：收到退出消息后结束。

    // Step 4: how large must the buffer be (common::message)? 第 4 步：缓冲区要多大？

    // Step 5: escape control characters (common::screen::escaped). 第 5 步：转义控制字符。

    // Step 6: go on when a receive or a send fails. Do not answer your own reply. An error names
    // the address (anyhow's with_context).
    // 第 6 步：接收或发送失败时继续运行；不回答自己的回复；错误信息要写明地址。

    // Step 7: the rest of the contract; scripts/check.sh says what is missing.
    // 第 7 步：约定的其余部分，scripts/check.sh 会指出缺什么。

    note!("nothing is here yet that serves {address}");
    Ok(ExitCode::SUCCESS)
}
