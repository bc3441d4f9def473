//! What the TCP server asks of the kernel, and what it does when the kernel has nothing to give.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::Shutdown;
use std::process::Command;
use std::thread;
use std::time::Duration;

use testing::{
    Server, connect, expect_closed, expect_served, has_tool, limited, program, scratch, strace,
};

fn command() -> Command {
    program("tcp-server", env!("CARGO_BIN_EXE_tcp-server"))
}

#[test]
fn a_message_costs_three_calls_with_each_line_written_whole() {
    if !has_tool("strace") {
        return;
    }
    let report = scratch("tcp-server.calls");
    let to = report.to_str().expect("a path in UTF-8");
    let trace = ["-f", "-e", "trace=network,read,write", "-o", to, "-xx", "-s", "99999"];
    let mut server = Server::start("tcp-server", strace(&trace, &command()));
    let mut client = connect(server.address);
    for _ in 0..3 {
        expect_served(&mut client);
    }
    client.shutdown(Shutdown::Write).expect("the half-close");
    expect_closed(&mut client);
    server.program.stdout.wait_for("disconnect from");
    server.program.kill();
    server.program.stderr.expect_end(); // strace is done

    let mut calls = testing::calls_with_whole_lines(&report);
    calls.retain(|call| call != "accept4"); // of the accepting thread, at any time
    let first = calls.iter().position(|call| call == "recvfrom").expect("the first receive");
    let a_message = ["recvfrom", "write", "sendto"];
    let expected = [&a_message.repeat(3)[..], &["recvfrom", "write"]].concat();
    assert_eq!(calls[first..][..expected.len()], expected);
}

#[test]
fn out_of_descriptors_it_serves_those_it_has_and_accepts_again_when_one_leaves() {
    let mut server = Server::start("tcp-server", limited("ulimit -n 14", &command()));
    let mut clients: Vec<_> = (0..20).map(|_| connect(server.address)).collect();
    server.program.stderr.expect_parts(&["tcp-server: ", "Too many open files"]);

    // The kernel keeps in the backlog whom the server cannot accept.
    let accepted = sockets(server.program.id()) - 1; // the listening one
    let mut newcomers = clients.split_off(accepted);
    clients.iter_mut().for_each(expect_served);

    // For as long as nobody leaves, nothing more is said, and nearly nothing done.
    let before = processor_ticks(server.program.id());
    thread::sleep(Duration::from_millis(2_500));
    let ticks = processor_ticks(server.program.id()) - before;
    assert!(ticks < 50, "expected the server to wait, but it took {ticks} ticks of processor time");
    let said = server.program.stderr.seen();
    assert_eq!(said.len(), 2, "expected no flood of lines, but got {said:?}");

    // Nor when clients come and go meanwhile: for each that leaves one is accepted.
    for mut newcomer in newcomers.drain(..) {
        drop(clients.remove(0));
        expect_served(&mut newcomer);
        clients.push(newcomer);
    }
    clients.iter_mut().for_each(expect_served);
    let said = server.program.stderr.seen();
    assert_eq!(said.len(), 2, "expected no flood of lines, but got {said:?}");
}

/// How many sockets the process `id` has open.
fn sockets(id: u32) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{id}/fd")).expect("the process's descriptors");
    let targets = descriptors.flatten().flat_map(|entry| fs::read_link(entry.path()));
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Processor time of the process `id` so far, in ticks of 10 ms: fields 14 and 15 of proc(5) stat.
fn processor_ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("the process's figures");
    let after_name = stat.rsplit(") ").next().expect("fields after the name");
    after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum()
}

#[test]
fn a_thread_that_cannot_be_started_ends_that_connection_alone() {
    if !has_tool("strace") {
        return;
    }
    let fail = "inject=clone3:error=EAGAIN:when=2";
    let mut server =
        Server::start("tcp-server", strace(&["-f", "-o", "/dev/null", "-e", fail], &command()));
    let mut first = connect(server.address);
    expect_served(&mut first);
    let mut second = connect(server.address);
    let peer = second.local_addr().expect("the client's address").to_string();
    expect_closed(&mut second);
    server.program.stderr.expect_parts(&["tcp-server: ", &peer, "thread"]);
    expect_served(&mut first);
    expect_served(&mut connect(server.address));
}
