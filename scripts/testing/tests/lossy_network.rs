//! Two machines with a cable between them that loses packets, or is pulled out.
//!
//! The machines are network namespaces. Each lasts as long as a process in it does, and the one
//! that holds it ends with the test, whatever happens to that: nothing is left to take down.
#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::{Duration, Instant};

use testing::{
    Program, Server, TCP_REPLY_TEXT, UDP_REPLY_TEXT, has_tool, is_there_or_skipped, run, signal,
    wait_until, workspace_program,
};

const CLIENT: &str = "10.99.0.1";
const SERVER: &str = "10.99.0.2";

/// How long the UDP client waits for a reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// What happens to the packets that a machine receives.
const ALL_PASS: &str = "counter name counted";
const THREE_IN_TEN_LOST: &str = "numgen random mod 10 < 3 counter name counted drop";
const SECOND_LOST: &str = "numgen inc mod 2 1 counter name counted drop";

/// A network namespace: a machine with its own addresses, links and packet filter.
struct Machine {
    holder: Program,
}

impl Machine {
    /// One without a link.
    fn new() -> Machine {
        let mut command = Command::new("unshare");
        command.args(["--net", "cat"]);
        let mut holder = Program::start(command);
        holder.types("ready\n");
        holder.stdout.expect("ready"); // from cat, so it is in its namespace by now
        let machine = Machine { holder };
        machine.run("ip link set lo up");
        machine
    }

    /// `command` on this machine. It ends with the test, even with one that is killed.
    fn command(&self, command: &Command) -> Command {
        let mut outer = Command::new("nsenter");
        outer.arg(format!("--net=/proc/{}/ns/net", self.holder.id()));
        outer.args(["setpriv", "--pdeathsig", "KILL"]);
        outer.arg(command.get_program()).args(command.get_args());
        outer
    }

    /// The workspace's program called `name` on this machine, started with `arguments`.
    fn start(&self, name: &str, arguments: &[&str]) -> Program {
        let mut command = workspace_program(name);
        Program::start(self.command(command.args(arguments)))
    }

    /// The server called `name` on this machine, at all its addresses, and its port.
    fn start_server(&self, name: &str) -> (Program, String) {
        let command = self.command(&workspace_program(name));
        let server = Server::start_at(name, command, "0.0.0.0");
        (server.program, server.address.port().to_string())
    }

    /// Runs a `line` of shell, which has to succeed: what it prints.
    fn run(&self, line: &str) -> String {
        let mut command = Command::new("sh");
        let (status, stdout, stderr) = run(self.command(command.args(["-c", line])), "");
        assert!(status == Some(0), "expected `{line}` to succeed, but: {stderr:?}");
        stdout.join("\n")
    }

    /// From now on a `rule` for the datagrams that arrive here, counted from 0.
    fn receives(&self, rule: &str) {
        self.run(&format!(
            "nft 'add table inet lab; delete table inet lab; add table inet lab; \
             add counter inet lab counted; \
             add chain inet lab input {{ type filter hook input priority 0; }}; \
             add rule inet lab input meta l4proto udp {rule}'"
        ));
    }

    /// How many packets the rule has counted: those that are lost, where it loses any.
    fn counted(&self) -> usize {
        let report = self.run("nft list counter inet lab counted");
        let mut words = report.split_whitespace().skip_while(|word| *word != "packets");
        let number = words.nth(1).and_then(|word| word.parse().ok());
        number.unwrap_or_else(|| panic!("expected a number of packets, but got {report:?}"))
    }

    /// Waits until the link at this end carries packets, or no longer does.
    fn await_link(&self, state: &str) {
        wait_until(&format!("a link that is {state}"), || {
            self.run("ip link show lab").contains(&format!("state {state} "))
        });
    }
}

/// The client's machine and the server's, with a cable between them; `None` where none can be made.
fn network() -> Option<(Machine, Machine)> {
    if !["ip", "nft"].iter().all(|tool| has_tool(tool)) {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "true"]);
    let (status, _, _) = run(command, "");
    if !is_there_or_skipped(status == Some(0), "the right to make networks (root)") {
        return None;
    }
    let (client, server) = (Machine::new(), Machine::new());
    let other = server.holder.id();
    client.run(&format!("ip link add lab type veth peer name lab netns {other}"));
    for (machine, address) in [(&client, CLIENT), (&server, SERVER)] {
        machine.run(&format!("ip address add {address}/30 dev lab"));
        machine.run("ip link set lab up");
    }
    client.await_link("UP");
    server.await_link("UP");
    Some((client, server))
}

/// What the UDP client prints of a message that nobody answered.
fn unanswered(message: &str, port: &str) -> String {
    format!("udp-client: \"{message}\" failed: no reply from {SERVER}:{port} within 5 seconds")
}

/// The message in a server's line, and who it is from.
fn received(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("receive messages:")?.rsplit_once(" from ")
}

/// Waits for the `server`'s next message, which has to be `expected`: who it is from.
fn expect_message(server: &mut Program, expected: &str) -> String {
    let line = server.stdout.wait_for("receive messages:");
    match received(&line) {
        Some((text, peer)) if text == expected => peer.to_owned(),
        _ => panic!("expected the server to receive {expected:?}, but got the line {line:?}"),
    }
}

#[test]
fn over_udp_each_lost_packet_is_one_reported_failure() {
    const CLIENTS: usize = 16;
    let Some((near, far)) = network() else { return };
    let (mut server, port) = far.start_server("udp-server");
    near.receives(THREE_IN_TEN_LOST);
    far.receives(THREE_IN_TEN_LOST);

    // Side by side, because each loss takes its client 5 seconds.
    let start = |number| {
        let messages = [format!("{number}号的第一条"), format!("{number}号的第二条")];
        let mut client = near.start("udp-client", &[SERVER, &port]);
        client.types(messages.join("\n"));
        client.ends_input();
        (client, messages)
    };
    let clients: Vec<_> = (0..CLIENTS).map(start).collect();
    let (mut answered, mut failed) = (Vec::new(), 0);
    for (mut client, messages) in clients {
        let reports = client.stderr.rest();
        let (bad, good): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| reports.contains(&unanswered(message, &port)));
        assert!(reports.len() == bad.len(), "expected {bad:?} to fail, but got {reports:?}");
        let shown = client.stdout.rest();
        assert!(
            shown == vec![UDP_REPLY_TEXT; good.len()],
            "expected a reply to each of {good:?} and to no other, but got {shown:?}"
        );
        client.ends_with(i32::from(!bad.is_empty()));
        failed += bad.len();
        answered.extend(good);
    }

    // Every packet that the network lost is accounted for, and every one that it did not lose.
    let (requests_lost, replies_lost) = (far.counted(), near.counted());
    assert!(
        failed > 0 && failed == requests_lost + replies_lost,
        "the network lost {requests_lost} messages and {replies_lost} replies, but {failed} \
         failures were reported"
    );
    server.kill();
    let lines = server.stdout.rest();
    let seen: Vec<_> =
        lines.iter().filter_map(|line| received(line)).map(|(text, _)| text).collect();
    assert!(
        seen.len() == 2 * CLIENTS - requests_lost,
        "the network lost {requests_lost} of {} messages, but the server got {seen:?}",
        2 * CLIENTS
    );
    for message in &answered {
        let times = seen.iter().filter(|text| *text == message).count();
        assert!(times == 1, "{message:?} was answered and reached the server {times} times");
    }
}

/// Pulls the cable out while a UDP client waits for its reply, and puts it back in.
///
/// With `at_server` it is out as it is when somebody trips over it: the client's link has no
/// carrier. Otherwise the client's own link is switched off, and its addresses lead nowhere.
fn pull_the_cable(at_server: bool) {
    let Some((near, far)) = network() else { return };
    let (mut server, port) = far.start_server("udp-server");
    let mut client = near.start("udp-client", &[SERVER, &port]);
    let (here, there) = if at_server { (&far, &near) } else { (&near, &far) };

    // The server is stopped until the cable is out, so that it cannot reply before.
    far.receives(ALL_PASS);
    signal("STOP", server.id());
    let start = Instant::now();
    client.types("一\n");
    wait_until("a message at the server", || far.counted() == 1);
    here.run("ip link set lab down");
    there.await_link("DOWN");
    signal("CONT", server.id());
    expect_message(&mut server, "一");
    client.stderr.expect_parts(&["udp-client: \"一\" failed: "]);
    let waited = start.elapsed();
    assert!(waited >= PATIENCE, "the client gave up after {waited:?}, before {PATIENCE:?}");
    if !at_server {
        client.types("二\n"); // while it is still out; without a carrier, the same as the first
        client.stderr.expect_parts(&["udp-client: \"二\" failed: "]);
    }

    here.run("ip link set lab up");
    here.await_link("UP");
    there.await_link("UP");
    client.types("三\nexit\n");
    client.stdout.expect(UDP_REPLY_TEXT);
    client.stdout.expect_end();
    client.stderr.expect_end();
    client.ends_with(1);
    for expected in ["三", "exit"] {
        expect_message(&mut server, expected);
    }
    server.ends_with(0);
}

#[test]
fn a_cable_pulled_out_at_the_server_is_reported_and_the_client_goes_on() {
    pull_the_cable(true);
}

#[test]
fn a_cable_pulled_out_at_the_client_is_reported_and_the_client_goes_on() {
    pull_the_cable(false);
}

#[test]
fn a_reply_that_is_late_because_the_link_was_down_answers_no_other_message() {
    let Some((near, far)) = network() else { return };
    let (server, port) = far.start_server("udp-server");
    let mut client = near.start("udp-client", &[SERVER, &port]);

    // The server is stopped, so that it answers the first message after it has got the second.
    far.receives(ALL_PASS);
    signal("STOP", server.id());
    client.types("一\n");
    wait_until("a first message at the server", || far.counted() == 1);
    near.run("ip link set lab down");
    client.stderr.expect(&unanswered("一", &port));
    near.run("ip link set lab up");
    near.await_link("UP");
    far.await_link("UP");
    client.types("二\n");
    wait_until("a second message at the server", || far.counted() == 2);
    near.receives(SECOND_LOST); // so that a reply that is shown is the first message's
    signal("CONT", server.id());
    client.stderr.expect(&unanswered("二", &port));
    assert_eq!(near.counted(), 1, "the reply to the first message came, the other one was lost");
    client.ends_input();
    client.stdout.expect_end();
}

#[test]
fn a_server_is_reached_from_another_machine_only_when_asked_to() {
    let Some((near, far)) = network() else { return };
    for (kind, reply) in [("udp", UDP_REPLY_TEXT), ("tcp", TCP_REPLY_TEXT)] {
        let (server, client) = (format!("{kind}-server"), format!("{kind}-client"));
        let from_elsewhere = || run(near.command(workspace_program(&client).arg(SERVER)), "你好\n");
        let answered = (Some(0), vec![reply.to_owned()], vec![]);

        // With every default, 127.0.0.1 and port 7890, it hears only those on its own machine.
        let mut here = far.start(&server, &[]);
        here.stderr.expect(&format!("{server}: listening on 127.0.0.1:7890"));
        let (status, stdout, stderr) = from_elsewhere();
        assert_eq!((status, stdout), (Some(1), vec![]), "{client}, where nobody may listen");
        let [line] = &stderr[..] else { panic!("expected one line, but got {stderr:?}") };
        assert!(line.contains("Connection refused"), "expected a refusal, but got {line:?}");
        assert_eq!(run(far.command(&workspace_program(&client)), "本机\n"), answered);
        expect_message(&mut here, "本机");
        drop(here);

        let mut everywhere = far.start(&server, &["0.0.0.0"]);
        everywhere.stderr.expect(&format!("{server}: listening on 0.0.0.0:7890"));
        assert_eq!(from_elsewhere(), answered);
        let peer = expect_message(&mut everywhere, "你好");
        assert!(peer.starts_with(&format!("{CLIENT}:")), "expected {CLIENT}, but got {peer}");
    }
}
