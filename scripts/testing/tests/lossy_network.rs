//! Two machines with a cable between them that is pulled out, and what is reached through it.
//!
//! The machines are network namespaces: the one that a test has to itself, and another one that
//! lasts as long as a process in it does. Nothing is left to take down.
#![cfg(target_os = "linux")]

use std::process::{self, Command};

use testing::{
    Program, Server, TCP_REPLY_TEXT, UDP_REPLY_TEXT, build, run, signal, wait_until,
    with_own_network, workspace_program,
};

const CLIENT: &str = "10.99.0.1";
const SERVER: &str = "10.99.0.2";

/// A machine, by a process on it.
struct Machine(u32);

impl Machine {
    /// `command` with its `arguments` on this machine. It ends with the test, even a killed one.
    fn command(&self, command: Command, arguments: &[&str]) -> Command {
        let mut outer = Command::new("nsenter");
        let network = format!("--net=/proc/{}/ns/net", self.0);
        outer.args([&network, "setpriv", "--pdeathsig", "KILL"]);
        outer.arg(command.get_program()).args(arguments);
        outer
    }

    /// The same for the workspace's program called `name`.
    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        self.command(workspace_program(name), arguments)
    }

    /// Runs a `line` of shell, which has to succeed: what it prints.
    fn run(&self, line: &str) -> String {
        let (status, stdout, stderr) = run(self.command(Command::new("sh"), &["-c", line]), "");
        assert!(status == Some(0), "expected `{line}` to succeed, but: {stderr:?}");
        stdout.join("\n")
    }

    /// Switches this end of the cable "up" or "down": the `other` end notices.
    fn switch(&self, state: &str, other: &Machine) {
        self.run(&format!("ip link set lab {state}"));
        let state = format!("state {} ", state.to_uppercase());
        wait_until(&state, || {
            [self, other].iter().all(|end| end.run("ip link show lab").contains(&state))
        });
    }
}

/// Checks the `body` of the test called `test` on the client's machine and the server's.
fn with_two_machines(test: &str, body: impl Fn(Machine, Machine)) {
    build(&[]); // there is no network to build with in there
    with_own_network(test, "", || {
        let mut holder = Command::new("unshare");
        holder.args(["--net", "cat"]);
        let mut holder = Program::start(holder);
        holder.types("ready\n");
        holder.stdout.expect("ready"); // from cat, so it is in its namespace by now
        let (near, far) = (Machine(process::id()), Machine(holder.id()));
        near.run(&format!("ip link add lab type veth peer name lab netns {}", holder.id()));
        for (machine, address) in [(&near, CLIENT), (&far, SERVER)] {
            machine.run(&format!("ip link set lo up; ip address add {address}/30 dev lab"));
        }
        far.run("ip link set lab up");
        near.switch("up", &far);
        body(near, far);
    });
}

/// A UDP server on the machine `far`, and a client of it on the machine `near`.
fn server_and_client(near: &Machine, far: &Machine) -> (Program, Program) {
    let server = Server::start_at("udp-server", far.program("udp-server", &[]), "0.0.0.0");
    let client = near.program("udp-client", &[SERVER, &server.address.port().to_string()]);
    (server.program, Program::start(client))
}

/// Waits for the `server`'s next message, which has to be this `text` from that `host`.
fn expect_message(server: &mut Program, text: &str, host: &str) {
    let line = server.stdout.wait_for("receive messages:");
    assert!(line.starts_with(&format!("receive messages:{text} from {host}:")), "{line:?}");
}

#[test]
fn each_message_that_a_pulled_cable_loses_is_one_failure_and_the_client_goes_on() {
    let test = "each_message_that_a_pulled_cable_loses_is_one_failure_and_the_client_goes_on";
    with_two_machines(test, |near, far| {
        let (mut server, mut client) = server_and_client(&near, &far);
        for (end, other) in [(&near, &far), (&far, &near)] {
            // The server is stopped until the cable is out, so that it cannot reply before.
            signal("STOP", server.id());
            let stat = format!("cat /proc/{}/stat", server.id());
            wait_until("the server stops", || far.run(&stat).contains(") T "));
            client.types("一\n");
            wait_until("a message at the server", || !far.run("ss -Hlun").starts_with("UNCONN 0 "));
            end.switch("down", other);
            signal("CONT", server.id());
            expect_message(&mut server, "一", CLIENT); // whose reply is lost
            client.stderr.expect_parts(&["\"一\" failed: no reply from 10.99.0.2:"]);
            client.types("二\n"); // itself lost, or refused for want of a way
            client.stderr.expect_parts(&["\"二\" failed: ", " 10.99.0.2:"]);

            end.switch("up", other);
            client.types("三\n");
            client.stdout.expect(UDP_REPLY_TEXT);
            expect_message(&mut server, "三", CLIENT);
        }
        client.types("exit\n");
        expect_message(&mut server, "exit", CLIENT);
        client.ends_with(1);
        client.stdout.expect_end();
        client.stderr.expect_end();
        server.ends_with(0);
    });
}

#[test]
fn a_server_is_reached_from_another_machine_only_when_asked_to() {
    let test = "a_server_is_reached_from_another_machine_only_when_asked_to";
    with_two_machines(test, |near, far| {
        for (kind, reply) in [("udp", UDP_REPLY_TEXT), ("tcp", TCP_REPLY_TEXT)] {
            let (server, client) = (format!("{kind}-server"), format!("{kind}-client"));
            let answered = (Some(0), vec![reply.to_owned()], vec![]);

            // With every default it hears only those on its own machine.
            let mut here = Program::start(far.program(&server, &[]));
            here.stderr.expect(&format!("{server}: listening on 127.0.0.1:7890"));
            let (status, stdout, stderr) = run(near.program(&client, &[SERVER]), "你好\n");
            assert_eq!((status, stdout.len(), stderr.len()), (Some(1), 0, 1), "{stderr:?}");
            assert!(stderr[0].contains("Connection refused"), "{stderr:?}");
            assert_eq!(run(far.program(&client, &[]), "本机\n"), answered);
            expect_message(&mut here, "本机", "127.0.0.1");
            drop(here);

            let mut everywhere = Program::start(far.program(&server, &["0.0.0.0"]));
            everywhere.stderr.expect(&format!("{server}: listening on 0.0.0.0:7890"));
            assert_eq!(run(near.program(&client, &[SERVER]), "你好\n"), answered);
            expect_message(&mut everywhere, "你好", CLIENT);
        }
    });
}
