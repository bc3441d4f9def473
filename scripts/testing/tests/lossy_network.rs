//! Two machines with a cable between them that loses packets, or is pulled out.
//!
//! The machines are network namespaces. Each lasts as long as a process in it does, and the one
//! that holds it ends with the test, whatever happens to that: nothing is left to take down.
#![cfg(target_os = "linux")]

use std::env;
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
const ALL_LOST: &str = "counter name counted drop";

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

    /// From now on a `rule` for the packets of one `protocol` that arrive here, counted from 0.
    fn receives(&self, protocol: &str, rule: &str) {
        self.run(&format!(
            "nft 'add table inet lab; delete table inet lab; add table inet lab; \
             add counter inet lab counted; \
             add chain inet lab input {{ type filter hook input priority 0; }}; \
             add rule inet lab input meta l4proto {protocol} {rule}'"
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
    near.receives("udp", THREE_IN_TEN_LOST);
    far.receives("udp", THREE_IN_TEN_LOST);

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
        let expected: Vec<_> = bad.iter().map(|message| unanswered(message, &port)).collect();
        assert!(reports == expected, "expected one line for each failure, but got {reports:?}");
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
    assert!(requests_lost + replies_lost > 0, "the network lost nothing, so nothing was tested");
    assert!(
        failed == requests_lost + replies_lost,
        "the network lost {requests_lost} messages and {replies_lost} replies, but {failed} \
         failures were reported"
    );
    assert_eq!(answered.len() + failed, 2 * CLIENTS, "replies and failures, and messages");
    far.receives("udp", ALL_PASS);
    let mut last = far.start("udp-client", &["127.0.0.1", &port]);
    last.types("exit\n");
    server.ends_with(0);
    let lines = server.stdout.rest();
    let mut seen: Vec<_> = lines.iter().filter_map(|line| received(line)).collect();
    assert_eq!(seen.pop().map(|(text, _)| text), Some("exit"));
    assert!(
        seen.len() == answered.len() + replies_lost,
        "the network lost {replies_lost} replies and let {} through, but the server got {seen:?}",
        answered.len()
    );
    for message in &answered {
        let times = seen.iter().filter(|(text, _)| text == message).count();
        assert!(times == 1, "{message:?} was answered and reached the server {times} times");
    }
}

#[test]
fn over_udp_the_message_after_a_loss_is_answered() {
    let Some((near, far)) = network() else { return };
    let (mut server, port) = far.start_server("udp-server");
    let start = || near.start("udp-client", &[SERVER, &port]);
    let (mut first, mut second) = (start(), start());

    far.receives("udp", ALL_LOST);
    first.types("没有到\n");
    wait_until("a message that is lost", || far.counted() == 1);
    far.receives("udp", ALL_PASS);
    near.receives("udp", ALL_LOST);
    second.types("回复没有到\n");
    wait_until("a reply that is lost", || near.counted() == 1);
    near.receives("udp", ALL_PASS);

    first.stderr.expect(&unanswered("没有到", &port));
    second.stderr.expect(&unanswered("回复没有到", &port));
    for mut client in [first, second] {
        client.types("到了\n");
        client.ends_input();
        client.stdout.expect(UDP_REPLY_TEXT);
        client.stdout.expect_end();
        client.stderr.expect_end();
        client.ends_with(1);
    }
    for expected in ["回复没有到", "到了", "到了"] {
        expect_message(&mut server, expected);
    }
}

#[test]
fn over_tcp_nothing_is_lost_and_all_comes_in_order() {
    const CLIENTS: usize = 4;
    let Some((near, far)) = network() else { return };
    for machine in [&near, &far] {
        // The kernel sends again after 20 ms instead of 200, the first six times without doubling
        // it (only Reno does that), and takes no loss for a long way. The loss is the same, but a
        // packet that is lost many times in a row does not take a minute.
        let route = machine.run("ip route show dev lab");
        machine.run(&format!("ip route change {} dev lab rto_min 20ms", route.trim_end()));
        machine.run(
            "cd /proc/sys/net/ipv4; echo reno >tcp_congestion_control; \
             echo 1 >tcp_thin_linear_timeouts; echo 0 >tcp_timestamps",
        );
    }
    let (mut server, port) = far.start_server("tcp-server");
    let start = |_| {
        let client = near.start("tcp-client", &[SERVER, &port]);
        let line = server.stdout.expect_parts(&["connect from : "]);
        (client, line.replace("connect from : ", ""))
    };
    let clients: Vec<_> = (0..CLIENTS).map(start).collect();
    // Only now: the kernel takes a second to try again when a connection's first packet is lost.
    near.receives("tcp", THREE_IN_TEN_LOST);
    far.receives("tcp", THREE_IN_TEN_LOST);

    let long = format!("a{}", "一二三四五六七八九十".repeat(300)); // 6,001 bytes
    let lines_of = |peer: &str| -> Vec<String> {
        (0..40).map(|number| format!("{peer}的第{number}行")).chain([long.clone()]).collect()
    };
    let talk = |(mut client, peer): (Program, String)| {
        client.types(lines_of(&peer).join("\n"));
        client.ends_input();
        (client, peer)
    };
    let clients: Vec<_> = clients.into_iter().map(talk).collect();

    let (mut seen, mut left) = (Vec::new(), 0);
    while left < CLIENTS {
        let line = server.stdout.next_line().expect("the server goes on");
        left += usize::from(line.starts_with("disconnect from : "));
        seen.push(line);
    }
    for (mut client, peer) in clients {
        // The long line goes in six pieces.
        let replies = client.stdout.rest();
        assert!(
            replies == vec![TCP_REPLY_TEXT; 46],
            "expected 46 replies to {peer}, got {replies:?}"
        );
        client.stderr.expect_end();
        client.ends_with(0);
        let texts = seen.iter().filter_map(|line| received(line));
        let texts: Vec<_> = texts.filter(|(_, from)| *from == peer).map(|(text, _)| text).collect();
        let (short, pieces) = texts.split_at(texts.len().min(40));
        let expected = &lines_of(&peer)[..40];
        assert!(short == expected, "expected 40 lines from {peer}, in order, but got {short:?}");
        assert!(pieces.concat() == long, "expected the long line from {peer}, but got {pieces:?}");
    }
    for (machine, name) in [(&near, "client"), (&far, "server")] {
        assert!(machine.counted() > 0, "the {name}'s machine lost nothing, so nothing was tested");
    }
    server.kill();
    server.stderr.expect_end(); // it has said that it listens, and that is all
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
    far.receives("udp", ALL_PASS);
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
    if !has_tool("python3") {
        return;
    }
    let Some((near, far)) = network() else { return };
    let mut command = Command::new("python3");
    command.args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer.py"), "udp-server"]);
    let mut server = Program::start(far.command(command.args(["0.0.0.0", "7890"])));
    server.stdout.expect_parts(&["7890"]);
    let mut client = near.start("udp-client", &[SERVER]);

    // The server is stopped, so that it answers the first message after it has got the second.
    far.receives("udp", ALL_PASS);
    signal("STOP", server.id());
    client.types("甲乙\n");
    wait_until("a first message at the server", || far.counted() == 1);
    near.run("ip link set lab down");
    client.stderr.expect_parts(&["udp-client: \"甲乙\" failed: "]);
    near.run("ip link set lab up");
    near.await_link("UP");
    far.await_link("UP");
    client.types("丙丁\n");
    wait_until("a second message at the server", || far.counted() == 2);
    signal("CONT", server.id());
    client.stdout.expect("丁丙"); // peer.py answers backwards
}

#[test]
fn a_server_is_reached_from_another_machine_only_when_asked_to() {
    let Some((near, far)) = network() else { return };
    let elsewhere = |name| run(near.command(workspace_program(name).arg(SERVER)), "你好\n");

    // With every default, 127.0.0.1 and port 7890.
    let mut udp = far.start("udp-server", &[]);
    let mut tcp = far.start("tcp-server", &[]);
    udp.stderr.expect("udp-server: listening on 127.0.0.1:7890");
    tcp.stderr.expect("tcp-server: listening on 127.0.0.1:7890");
    for name in ["udp-client", "tcp-client"] {
        let (status, stdout, stderr) = elsewhere(name);
        assert_eq!((status, stdout), (Some(1), vec![]), "{name}, where nobody may listen");
        let [line] = &stderr[..] else { panic!("expected one line, but got {stderr:?}") };
        assert!(line.contains("Connection refused"), "expected a refusal, but got {line:?}");
    }
    // They do serve, and these messages are the first that they get.
    for (name, reply) in [("udp-client", UDP_REPLY_TEXT), ("tcp-client", TCP_REPLY_TEXT)] {
        let (status, stdout, stderr) = run(far.command(&workspace_program(name)), "本机\n");
        assert_eq!((status, stdout, stderr), (Some(0), vec![reply.to_owned()], vec![]));
    }
    udp.stdout.expect("waiting for messages......");
    udp.stdout.expect_parts(&["receive messages:本机 from 127.0.0.1:"]);
    tcp.stdout.expect_parts(&["connect from : 127.0.0.1:"]);
    drop((udp, tcp));

    let mut udp = far.start("udp-server", &["0.0.0.0"]);
    let mut tcp = far.start("tcp-server", &["0.0.0.0"]);
    udp.stderr.expect("udp-server: listening on 0.0.0.0:7890");
    tcp.stderr.expect("tcp-server: listening on 0.0.0.0:7890");
    for (name, reply) in [("udp-client", UDP_REPLY_TEXT), ("tcp-client", TCP_REPLY_TEXT)] {
        let (status, stdout, stderr) = elsewhere(name);
        assert_eq!((status, stdout, stderr), (Some(0), vec![reply.to_owned()], vec![]));
    }
    for mut server in [udp, tcp] {
        let peer = expect_message(&mut server, "你好");
        assert!(peer.starts_with(&format!("{CLIENT}:")), "expected {CLIENT}, but got {peer}");
    }
}
