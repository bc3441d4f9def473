//! Our programs in conversation with the tutorial's, `tutorial.py` of each exercise: all eight pairs.

use std::process::Command;

use testing::{
    Program, ROOT, Server, TCP_REPLY_TEXT, Test, UDP_REPLY_TEXT, client, test, workspace_program,
};

use Whose::{Ours, Tutorials};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    vec![
        test("udp: our server and our client", || udp(Ours, Ours)),
        test("udp: our server and the tutorial's client", || udp(Ours, Tutorials))
            .needs(&["python3"]),
        test("udp: the tutorial's server and our client", || udp(Tutorials, Ours))
            .needs(&["python3"]),
        test("udp: the tutorial's server and client", || udp(Tutorials, Tutorials))
            .needs(&["python3"]),
        test("tcp: our server and our client", || tcp(Ours, Ours)),
        test("tcp: our server and the tutorial's client", || tcp(Ours, Tutorials))
            .needs(&["python3"]),
        test("tcp: the tutorial's server and our client", || tcp(Tutorials, Ours))
            .needs(&["python3"]),
        test("tcp: the tutorial's server and client", || tcp(Tutorials, Tutorials))
            .needs(&["python3"]),
    ]
}

/// Whose program it is.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Ours,
    Tutorials,
}

impl Whose {
    /// The program of that name.
    fn program(self, name: &str) -> Command {
        if self == Ours {
            return workspace_program(name);
        }
        let mut command = Command::new("python3");
        command.args(["-X", "utf8", &format!("{ROOT}/{name}/tutorial.py")]);
        command
    }
}

/// Text of all kinds that GBK has: 5C and 7C as second bytes, the edges of its table, wide spaces.
const TEXTS: [&str; 4] = [
    "你好",
    "   plain ASCII: $HOME `ls` %s \\n   ",
    "生僻字：镕堃喆囍龘靐齉爨 乗俓儅凎誠閈 丂狛隣礼﨩㊣兀 漢字繁體：臺灣、憂鬱的烏龜",
    "ＦＵＬＬ　ｗｉｄｔｈ！“引号”——《书名》……ひらがなカタカナ αβγΩ Привет ā ɡ №℃㎡①㈠Ⅻ─│┌",
];

fn udp(server_is: Whose, client_is: Whose) {
    let (mut server, mut client) = talk(server_is, client_is, "udp", UDP_REPLY_TEXT);
    client.types("exit\n");
    assert_eq!(next_message(&mut server), "exit");
    server.ends_with(0);
    if client_is == Ours {
        client.ends_silently_with(0);
    } // the tutorial's waits for a reply
}

fn tcp(server_is: Whose, client_is: Whose) {
    let (mut server, mut client) = talk(server_is, client_is, "tcp", TCP_REPLY_TEXT);
    client.types("exit\n");
    assert_eq!(next_message(&mut server), "exit");
    if server_is == Tutorials {
        client.stdout.expect(TCP_REPLY_TEXT); // for the tutorial's, `exit` is a message like others
    }
    if server_is == Ours || client_is == Ours {
        client.ends_silently_with(0);
    }
}

/// Starts a server and a client, and sends every text, each of which is answered by `reply`.
fn talk(server_is: Whose, client_is: Whose, kind: &str, reply: &str) -> (Program, Program) {
    let name = format!("{kind}-server");
    let Server { program: mut server, address, .. } =
        Server::start(&name, server_is.program(&name));
    let mut client = Program::start(client(client_is.program(&format!("{kind}-client")), address));
    let mut texts = TEXTS.map(str::to_owned).to_vec();
    if client_is == Ours && kind == "tcp" {
        texts.push(TEXTS.concat().repeat(200)); // our client sends it in pieces, each after a reply
    } else {
        texts.push(TEXTS.concat().repeat(2)); // less than the tutorial's servers receive at once
    }
    for text in texts {
        client.types(format!("{text}\n"));
        let mut received = String::new();
        while received.len() < text.len() {
            received += &next_message(&mut server);
            client.stdout.expect(reply);
        }
        assert_eq!(received, text, "what the server received (left) and what was sent");
    }
    (server, client)
}

/// What the `server` receives next.
fn next_message(server: &mut Program) -> String {
    let line = server.stdout.wait_for("receive messages:");
    let parts = line.strip_prefix("receive messages:").and_then(|line| line.rsplit_once(" from "));
    parts.unwrap_or_else(|| panic!("expected a message, but got {line:?}")).0.to_owned()
}
