//! What a student begins with, in each exercise. 各练习的起点。

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use common::{note, run};

fn main() -> ExitCode {
    run(env!("CARGO_PKG_NAME"), exercise) // HOST, PORT, errors 主机、端口、错误
}

fn exercise(address: SocketAddr) -> Result<ExitCode> {
    // The sheet, README.md, says what each step asks, and which names it needs; common/rust.md explains them.
    // 每一步的要求和用到的名字见实验指导 README.zh-CN.md，这些名字的说明见 common/rust.zh-CN.md。
    note!("nothing is here yet that uses {address}");
    Ok(ExitCode::SUCCESS)
}
