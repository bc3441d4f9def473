//! Exercise 4: a TCP client. 练习 4：TCP 客户端。

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), talk) // HOST, PORT, errors 主机、端口、错误
}

fn talk(server: SocketAddr) -> Result<ExitCode> {
    // Step 1: connect to the server (std::net::TcpStream). Read a line
    // (common::input::prompted_line), send it in GBK (common::gbk::encode, std::io::Write), receive
    // the reply (std::io::Read), and print its text with say! (common::gbk::decode).
    // 第 1 步：连接服务器，读一行，用 GBK 编码发送，接收回复，用 say! 打印。

    // Step 2: do this for every line. 第 2 步：对每一行都这样做。

    // Step 3: prompted_line returns None at an empty line or the end of the input. Then tell the
    // server that nothing more comes (shutdown), and print what it still sends. Do the same after
    // the exit message (common::message::EXIT), which is sent like any other.
    // 第 3 步：遇到空行或输入结束时，prompted_line 返回 None：用 shutdown 告诉服务器不再发送，再打印
    // 它还会发来的数据。退出消息照常发送，之后也这样结束。

    // Step 4: report with note! what encode refuses, read the next line, and end with
    // ExitCode::FAILURE. Escape control characters in a reply (common::screen::escaped).
    // 第 4 步：用 note! 报告 encode 拒绝的行，继续读下一行，最后返回 ExitCode::FAILURE；转义控制字符。

    // Step 5: half a character of a reply waits for the rest (common::gbk::stream_decoder,
    // decode_part). Send a long line in pieces (common::message::pieces), each after the reply to
    // the one before.
    // 第 5 步：半个字符要等另一半到达；长行分段发送，收到上一段的回复后再发下一段。

    // Step 6: what if the server closes, resets, or does not close at the end
    // (common::wait::TIMEOUT)?
    // 第 6 步：如果服务器关闭或重置连接，或者最后一直不关闭连接，怎么办？

    // Step 7: the rest of the contract; scripts/check.sh says what is missing.
    // 第 7 步：约定的其余部分，scripts/check.sh 会指出缺什么。

    note!("nothing is here yet that talks to {server}");
    Ok(ExitCode::SUCCESS)
}
