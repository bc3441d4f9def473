//! What goes wrong around a TCP server, in earnest: clients that misbehave, a stdout that takes
//! nothing, a system without threads to give, a teacher's Ctrl-C.
#![cfg(target_os = "linux")]

use std::env;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;
use testing::{
    DEADLINE, NI_HAO, Program, Server, UTF_8, connect, expect_closed, expect_served, has_tool,
    is_there_or_skipped, limited, peak_memory, program, signal, signals, wait_until,
    with_own_network,
};

/// KiB that a server may have with a handful of clients, whatever they do.
const A_LITTLE: u64 = 8 * 1024;

fn command() -> Command {
    program("tcp-server", env!("CARGO_BIN_EXE_tcp-server"))
}

fn server() -> Server {
    Server::start("tcp-server", command())
}

/// Sends until the connection takes no more, because the server has stopped reading.
fn send_until_full(client: &mut TcpStream) {
    // The fewer replies the kernel keeps for the client, the sooner the server waits.
    SockRef::from(&*client).set_recv_buffer_size(4_096).expect("a small buffer");
    client.set_write_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let started = Instant::now();
    while started.elapsed() < 6 * DEADLINE {
        match client.write(&[b'a'; 60_000]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("expected the server to stop reading, but: {error}"),
        }
    }
    panic!("expected the server to stop reading, but it never does");
}

#[test]
fn a_client_that_sends_and_never_reads_costs_no_memory_and_holds_up_nobody() {
    // Some 200,000 replies fit into the kernel's buffers; nobody wants their lines.
    let mut server = Server::start("tcp-server", limited("exec >/dev/null", &command()));
    let mut greedy = connect(server.address);
    send_until_full(&mut greedy);
    expect_served(&mut connect(server.address));
    let memory = peak_memory(server.program.id());
    assert!(memory < A_LITTLE, "expected the server to stop reading, but it took {memory} KiB");
    assert!(server.program.is_running());
}

#[test]
fn fifty_silent_clients_hold_up_nobody_and_are_served_when_they_speak() {
    let server = server();
    let mut silent: Vec<_> = (0..50).map(|_| connect(server.address)).collect();
    for _ in 0..20 {
        expect_served(&mut connect(server.address));
    }
    silent.iter_mut().for_each(expect_served);
}

#[test]
fn clients_that_reset_one_after_the_other_stop_nothing() {
    let mut server = server();
    for _ in 0..50 {
        let mut client = connect(server.address);
        client.write_all(NI_HAO).expect("the message is sent");
        client.peek(&mut [0]).expect("the reply is here");
        drop(client); // closed with data unread: the kernel resets (RFC 2525, 2.17)
    }
    expect_served(&mut connect(server.address));
    for _ in 0..50 {
        server.program.stdout.wait_for("disconnect from : ");
    }
}

#[test]
fn a_stdout_on_a_full_disk_ends_it_with_status_1_and_the_reason() {
    let mut server = Server::start("tcp-server", limited("exec >/dev/full", &command()));
    let _client = connect(server.address);
    server.program.stderr.expect_parts(&["tcp-server: ", "stdout", "No space left"]);
    server.program.stderr.expect_end();
    server.program.ends_with(1);
}

#[test]
fn a_stdout_that_nobody_reads_holds_the_server_up_until_somebody_does() {
    let (server, mut stdout) = Server::start_unread("tcp-server", command());
    let mut client = connect(server.address);
    send_until_full(&mut client);
    let memory = peak_memory(server.program.id());
    assert!(memory < A_LITTLE, "expected the server to wait, but it took {memory} KiB");

    let reader = thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    let mut replies = client.try_clone().expect("a second handle of the connection");
    thread::spawn(move || replies.read_to_end(&mut Vec::new()));
    expect_served(&mut connect(server.address));
    drop(server);
    reader.join().expect("the reader does not panic").expect("stdout is read to its end");
}

#[test]
fn a_signal_ends_it_at_once_during_traffic_and_its_port_is_free() {
    for (name, number) in signals() {
        let mut server = server();
        let address = server.address;
        let traffic = thread::spawn(move || {
            let mut client = connect(address);
            let mut reply = [0; 100];
            while client.write_all(NI_HAO).is_ok() && client.read(&mut reply).is_ok_and(|n| n > 0) {
            }
        });
        server.program.stdout.wait_for("receive messages:你好");
        signal(name, server.program.id());
        assert_eq!(server.program.status().signal(), Some(number), "expected it to die of {name}");
        traffic.join().expect("the traffic ends with the server");

        let mut again = command();
        again.args(["127.0.0.1", &address.port().to_string()]);
        Program::start(again).stderr.expect(&format!("tcp-server: listening on {address}"));
    }
}

/// A copy of the program where another user can read it.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn out_of_threads_it_serves_those_it_has_and_takes_others_when_one_leaves() {
    // The limit does not hold for root, and counts all of a user's processes: so a user whom nobody
    // else is.
    let user = (100_000 + process::id()).to_string();
    let become_user = format!("--reuid={user}");
    if !has_tool("setpriv") {
        return;
    }
    let may = Command::new("setpriv").args([&become_user, "true"]).status();
    let may = may.is_ok_and(|status| status.success());
    if !is_there_or_skipped(may, "the right to become another user (root)") {
        return;
    }
    let copy = Copy(env::temp_dir().join(format!("tcp-server-{}", process::id())));
    // By cp: a file that this process writes is busy while another test starts a program.
    let copied = Command::new("cp").arg(command().get_program()).arg(&copy.0).status();
    assert!(copied.is_ok_and(|status| status.success()), "expected a copy of the program");
    let mut runs = Command::new("setpriv");
    runs.args([&become_user, "--clear-groups"]).arg(&copy.0).arg("--version");
    let runs = runs.output().is_ok_and(|output| output.status.success());
    if !is_there_or_skipped(runs, "a TMPDIR whose programs another user may run") {
        return;
    }
    let mut own = Command::new("setpriv");
    own.env("LC_ALL", UTF_8).args([&become_user, "--clear-groups", "bash", "-c"]);
    own.arg("ulimit -u 3; exec \"$0\" \"$@\"").arg(&copy.0); // the main thread and two more
    let mut server = Server::start("tcp-server", own);

    let mut first = connect(server.address);
    let mut second = connect(server.address);
    expect_served(&mut first);
    expect_served(&mut second);
    let mut third = connect(server.address);
    let peer = third.local_addr().expect("the client's address").to_string();
    expect_closed(&mut third);
    server.program.stderr.expect_parts(&["tcp-server: ", &peer, "thread", "unavailable"]);
    expect_served(&mut first);

    drop(second);
    server.program.stdout.wait_for("disconnect from : ");
    // The thread says so just before it ends.
    wait_until("the place is free again", || is_served(&mut connect(server.address)));
    expect_served(&mut first);
}

/// Where the kernel has memory mappings for no more threads, std does not say so but aborts.
#[test]
fn ten_thousand_clients_are_as_many_as_it_takes() {
    let test = "ten_thousand_clients_are_as_many_as_it_takes";
    let room = "room for 10,000 clients (ulimit -Hn, ulimit -Hu, 64 bits)";
    let has_room = hard_limit("Max open files") > 10_100
        && hard_limit("Max processes") > 10_100
        && cfg!(target_pointer_width = "64");
    if !is_there_or_skipped(has_room, room) {
        return;
    }
    with_own_network(test, "ulimit -n $(ulimit -H -n)", || {
        let mut server = Server::start("tcp-server", limited("exec >/dev/null", &command()));
        let mut clients = Vec::new();
        while clients.len() < 10_000 {
            let mut client = connect(server.address);
            let served = is_served(&mut client);
            let said = server.program.stderr.seen().concat();
            // A container may have a limit of its own.
            if !is_there_or_skipped(served || !said.contains("cannot start a thread"), room) {
                return;
            }
            assert!(served, "expected the client {} to be served", clients.len() + 1);
            clients.push(client);
        }
        expect_closed(&mut connect(server.address));
        server.program.stderr.expect_parts(&["tcp-server: ", "10000 clients"]);
        clients.truncate(9_000);
        wait_until("there is a place again", || is_served(&mut connect(server.address)));
        clients.iter_mut().for_each(expect_served);
    });
}

/// The hard limit of that name in proc(5) limits; none is a very large one.
fn hard_limit(name: &str) -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").expect("its own limits");
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("the limit");
    let hard = line.split_whitespace().nth(1).expect("a soft limit and a hard one");
    hard.parse().unwrap_or(u64::MAX)
}

fn is_served(client: &mut TcpStream) -> bool {
    client.write_all(NI_HAO).is_ok() && client.read(&mut [0; 100]).is_ok_and(|size| size > 0)
}
