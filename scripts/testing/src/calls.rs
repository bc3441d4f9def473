//! What a server asks of the kernel, as strace shows it.

use crate::failure::ensure;
use crate::machine::{signal, strace};
use crate::server::Server;
use crate::subject;

/// A server that gets three messages and `exit` makes these calls: `first`, and `a_message` for each of
/// the three. So it writes each line in one call, and shows a message before it answers.
pub fn costs(first: &[&str], a_message: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder for the report");
    let report = folder.path().join("calls");
    let to = report.to_str().expect("a path in UTF-8");
    let (calls, long) = match subject::is_udp() {
        true => ("trace=all", 30_000),
        false => ("trace=network,read,write", 1_000), // its threads come and go
    };
    let trace = strace(&["-f", "-e", calls, "-o", to], &subject::command());
    let mut server = Server::start(subject::name(), trace);
    let mut client = server.client();
    for size in [1, long, 4] {
        server.answers(&mut client, &vec![b'a'; size], &["a from"]);
    }
    client.sends(b"exit");
    server.program.stdout.wait_for("exit from");
    signal("KILL", server.program.id());
    server.program.stderr.expect_end(); // strace is done

    let text = std::fs::read_to_string(&report).expect("strace's report");
    let mut names = Vec::new();
    // What comes before may be of another program that starts this one.
    for call in text.lines().skip_while(|call| !call.contains("bind(")) {
        // `-f` puts a thread's number first. A call that waited for another one has two lines.
        let call = call.trim_start_matches(|one: char| one.is_ascii_digit() || one == ' ');
        let name = call.split('(').next().unwrap_or_default();
        if !name.starts_with('<') && !["bind", "listen", "getsockname", "accept4"].contains(&name) {
            names.push(name);
        }
    }
    let expected = [first, &a_message.repeat(3), &["recvfrom", "write"]].concat();
    names.truncate(expected.len());
    let [wanted, got] = [&expected, &names].map(|names| names.join(" "));
    ensure(names == expected, "expected the system calls {}, but they are {}", &[&wanted, &got]);
}
