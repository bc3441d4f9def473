//! What takes a network of one's own: the addresses and the port that a server has by default, and
//! as many clients as the TCP server takes.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::Command;

use testing::{
    NI_HAO, Peer, Program, Server, TCP_REPLY_TEXT, UDP_REPLY_TEXT, build, expect_closed,
    is_there_or_skipped, limited, run, succeeds, with_own_network, workspace_program,
};

fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = workspace_program(name);
    command.args(arguments);
    command
}

/// By default a server hears only those who are on its machine and call it by 127.0.0.1.
#[test]
fn a_server_is_reached_at_its_machines_address_only_when_asked_to() {
    build(); // there is no network to build with in there
    with_own_network("ip address add 10.99.0.2 dev lo", || {
        for (kind, reply) in [("udp", UDP_REPLY_TEXT), ("tcp", TCP_REPLY_TEXT)] {
            let [server, client] = ["server", "client"].map(|role| format!("{kind}-{role}"));
            let answered = (Some(0), vec![reply.to_owned()], vec![]);
            let mut here = Program::start(program(&server, &[]));
            here.stderr.expect(&format!("{server}: listening on 127.0.0.1:7890"));
            let (status, stdout, stderr) = run(program(&client, &["10.99.0.2"]), "你好\n");
            assert_eq!((status, stdout.len(), stderr.len()), (Some(1), 0, 1), "{stderr:?}");
            assert!(stderr[0].contains("Connection refused"), "{stderr:?}");
            assert_eq!(run(program(&client, &[]), "本机\n"), answered);
            here.stdout.wait_for("receive messages:本机 from 127.0.0.1:");
            drop(here);

            let mut everywhere = Program::start(program(&server, &["0.0.0.0"]));
            everywhere.stderr.expect(&format!("{server}: listening on 0.0.0.0:7890"));
            assert_eq!(run(program(&client, &["10.99.0.2"]), "你好\n"), answered);
        }
    });
}

/// Where the kernel has memory mappings for no more threads, std does not say so but aborts.
#[test]
fn ten_thousand_clients_are_as_many_as_it_takes() {
    let limits = "for limit in $(ulimit -Hn) $(ulimit -Hu); do \
                  [ $limit = unlimited ] || [ $limit -gt 10100 ] || exit; done";
    let has_room = cfg!(target_pointer_width = "64") && succeeds("bash", &["-ec", limits]);
    let room = "room for 10,000 clients (ulimit -Hn, ulimit -Hu, 64 bits)";
    if !is_there_or_skipped(has_room, room) {
        return;
    }
    with_own_network("ulimit -n $(ulimit -H -n)", || {
        let command = limited("exec >/dev/null", &workspace_program("tcp-server"));
        let mut server = Server::start("tcp-server", command);
        let mut clients = Vec::new();
        while clients.len() < 10_000 {
            let mut client = server.client();
            let served = is_served(&mut client);
            let said = server.program.stderr.seen().concat();
            // A container may have a limit of its own.
            if !is_there_or_skipped(served || !said.contains("cannot start a thread"), room) {
                return;
            }
            assert!(served, "expected the client {} to be served", clients.len() + 1);
            clients.push(client);
        }
        expect_closed(server.client().tcp());
        server.program.stderr.expect_parts(&["tcp-server: ", "10000 clients"]);
        // A client that has seen the end of its connection leaves a free place.
        for _ in 0..500 {
            let mut leaving = clients.pop().expect("a client");
            leaving.half_closes();
            expect_closed(leaving.tcp());
            let mut newcomer = server.client();
            assert!(is_served(&mut newcomer), "expected a free place");
            clients.push(newcomer);
        }
        assert!(clients.iter_mut().all(is_served), "expected the others to be served");
    });
}

fn is_served(client: &mut Peer) -> bool {
    let connection = client.tcp();
    connection.write_all(NI_HAO).is_ok()
        && connection.read(&mut [0; 100]).is_ok_and(|size| size > 0)
}
