//! What takes a network of its own: the addresses and the port that a server has by default, and as
//! many clients as the TCP server takes.

use std::process::Command;

use testing::{
    NI_HAO, Peer, Program, Server, TCP_REPLY, TCP_REPLY_TEXT, Test, UDP_REPLY_TEXT, build, limited,
    run, test, workspace_program,
};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    build(); // in its own network a test has none to build with
    vec![
        test("a server is reached from other machines only when asked to", is_local_by_default)
            .on_own_network("ip address add 10.99.0.2 dev lo"),
        test("the TCP server takes ten thousand clients", takes_ten_thousand_clients)
            .needs(&["room for 10,000 clients"])
            .on_own_network("ulimit -n $(ulimit -H -n)"),
    ]
}

fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = workspace_program(name);
    command.args(arguments);
    command
}

fn is_local_by_default() {
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
}

/// More than that take memory mappings that the kernel has not, and std aborts without a word.
fn takes_ten_thousand_clients() {
    let command = limited("exec >/dev/null", &workspace_program("tcp-server"));
    let mut server = Server::start("tcp-server", command);
    let mut clients: Vec<_> = (0..10_000).map(|_| served_client(&server)).collect();
    server.client().expects_close();
    server.program.stderr.expect_parts(&["tcp-server: ", "10000 clients"]);
    // A client that has seen the end of its connection leaves a free place.
    for client in clients.iter_mut().take(500) {
        client.half_closes();
        client.expects_close();
        *client = served_client(&server);
    }
}

fn served_client(server: &Server) -> Peer {
    let mut client = server.client();
    client.sends(NI_HAO);
    client.expects(TCP_REPLY);
    client
}
