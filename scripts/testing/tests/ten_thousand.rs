//! As many clients as the TCP server takes. Where the kernel has memory mappings for no more threads,
//! std does not say so but aborts.
#![cfg(target_os = "linux")]

use std::process::Command;

use testing::{
    NI_HAO, Peer, Server, expect_closed, is_there_or_skipped, limited, wait_until,
    with_own_network, workspace_program,
};

#[test]
fn ten_thousand_clients_are_as_many_as_it_takes() {
    let limits = "[ $(ulimit -Hn) = unlimited ] || [ $(ulimit -Hn) -gt 10100 ] && \
                  { [ $(ulimit -Hu) = unlimited ] || [ $(ulimit -Hu) -gt 10100 ]; }";
    let has_room = Command::new("bash").args(["-c", limits]).status();
    let has_room =
        has_room.is_ok_and(|status| status.success()) && cfg!(target_pointer_width = "64");
    let room = "room for 10,000 clients (ulimit -Hn, ulimit -Hu, 64 bits)";
    if !is_there_or_skipped(has_room, room) {
        return;
    }
    let test = "ten_thousand_clients_are_as_many_as_it_takes";
    with_own_network(test, "ulimit -n $(ulimit -H -n)", || {
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
        clients.truncate(9_000);
        wait_until("there is a place again", || is_served(&mut server.client()));
        assert!(clients.iter_mut().all(is_served), "expected the others to be served");
    });
}

fn is_served(client: &mut Peer) -> bool {
    let connection = client.tcp();
    std::io::Write::write_all(connection, NI_HAO).is_ok()
        && std::io::Read::read(connection, &mut [0; 100]).is_ok_and(|size| size > 0)
}
