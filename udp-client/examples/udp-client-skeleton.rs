//! Exercise 2: a UDP client. 练习 2：UDP 客户端。

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk) // HOST, PORT, errors 主机、端口、错误
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Step 1: make a socket (std::net::UdpSocket; which port does a client need?). Read a line
    // (common::input::prompted_line), send it in GBK (common::gbk::encode), receive the reply, and
    // print its text with say! (common::gbk::decode).
    // 第 1 步：创建套接字（客户端需要哪个端口？），读一行，用 GBK 编码发送，接收回复，用 say! 打印。

    // Step 2: do this for every line. prompted_line returns None at an empty line or the end of the
    // input.
    // 第 2 步：对每一行都这样做；遇到空行或输入结束时，prompted_line 返回 None。

    // Step 3: send the exit message (common::message::EXIT), then leave without waiting for a
    // reply.
    // 第 3 步：发送退出消息后直接结束，不等回复。

    // Step 4: report with note! what encode refuses, read the next line, and end with
    // ExitCode::FAILURE. Escape control characters in a reply (common::screen::escaped).
    // 第 4 步：用 note! 报告 encode 拒绝的行，继续读下一行，最后返回 ExitCode::FAILURE；转义控制字符。

    // Step 5: do not wait longer than common::wait::TIMEOUT. What does `connect` do for a UDP
    // socket? A reply that comes too late must not answer the next message.
    // 第 5 步：等待不超过 common::wait::TIMEOUT。`connect` 对 UDP 套接字起什么作用？迟到的回复不能算
    // 作下一条消息的回复。

    // Step 6: ignore datagrams of strangers. 第 6 步：忽略其他地址发来的数据报。

    // Step 7: the largest datagram (common::message::encode_datagram), and the rest of the contract;
    // scripts/check.sh says what is missing.
    // 第 7 步：数据报的最大长度，以及约定的其余部分，scripts/check.sh 会指出缺什么。

    note!("nothing is here yet that talks to {server}");
    Ok(ExitCode::SUCCESS)
}
