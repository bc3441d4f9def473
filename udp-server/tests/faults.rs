//! What goes wrong around a UDP server, in earnest: a stdout that takes nothing, a teacher's Ctrl-C.
#![cfg(target_os = "linux")]

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use testing::{
    DEADLINE, NI_HAO, Program, Server, UDP_REPLY, datagram, limited, peak_memory, program, signal,
    signals, udp_socket,
};

fn command() -> Command {
    program("udp-server", env!("CARGO_BIN_EXE_udp-server"))
}

#[test]
fn a_stdout_on_a_full_disk_ends_it_with_status_1_and_the_reason() {
    let mut server = Server::start("udp-server", limited("exec >/dev/full", &command()));
    server.program.stderr.expect_parts(&["udp-server: ", "stdout", "No space left"]);
    server.program.stderr.expect_end();
    server.program.ends_with(1);
}

#[test]
fn a_stdout_that_nobody_reads_holds_the_server_up_until_somebody_does() {
    let (server, mut stdout) = Server::start_unread("udp-server", command());
    let client = udp_socket();
    client.connect(server.address).expect("a UDP socket can always be connected");
    client.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let mut answered = 0;
    loop {
        client.send(&[b'a'; 10_000]).expect("the message is sent");
        if client.recv(&mut [0; 100]).is_err() {
            break;
        }
        answered += 1;
        assert!(answered < 1_000, "expected the server to wait for its reader");
    }
    let memory = peak_memory(server.program.id());
    assert!(memory < 4 * 1024, "expected the server to wait, but it took {memory} KiB");

    thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    client.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    assert_eq!(datagram(&client).0, UDP_REPLY);
}

#[test]
fn a_signal_ends_it_at_once_during_traffic_and_its_port_is_free() {
    for (name, number) in signals() {
        let mut server = Server::start("udp-server", command());
        let address = server.address;
        let traffic = thread::spawn(move || {
            let client = udp_socket();
            client.connect(address).expect("a UDP socket can always be connected");
            // A message that waits when the server dies is lost without a word.
            client.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
            while client.send(NI_HAO).is_ok() && client.recv(&mut [0; 100]).is_ok() {}
        });
        server.program.stdout.wait_for("receive messages:你好");
        signal(name, server.program.id());
        assert_eq!(server.program.status().signal(), Some(number), "expected it to die of {name}");
        traffic.join().expect("the traffic ends with the server");

        let mut again = command();
        again.args(["127.0.0.1", &address.port().to_string()]);
        Program::start(again).stderr.expect(&format!("udp-server: listening on {address}"));
    }
}
