//! The TCP server's side of the contract, step after step; plain sockets play its clients.

use std::io::Read;

use testing::servers::*;
use testing::{NI_HAO, Peer, Server, Subject, TCP_REPLY, ensure, expect_closed};

const SERVER: Subject = Subject { name: "tcp-server", own: env!("CARGO_BIN_EXE_tcp-server") };

/// The server's next line has to be this, of the client at that address.
fn expect_line(server: &mut Server, line: &str, client: &Peer) {
    server.program.stdout.expect(&line.replace("PEER", &client.address().to_string()));
}

mod step_1_hello {
    use super::*;

    #[test]
    fn a_line_says_where_it_listens() {
        says_where_it_listens(&SERVER);
    }

    #[test]
    fn a_message_of_a_connection_is_shown_and_answered_in_gbk() {
        answers_a_message(&SERVER);
    }
}

mod step_2_several {
    use super::*;

    #[test]
    fn every_message_of_a_connection_is_answered_and_of_the_next_one_too() {
        let mut server = SERVER.serve();
        for _ in 0..2 {
            let mut client = server.client();
            for text in ["one", "two", "three"] {
                server.answers(&mut client, text.as_bytes(), &[text]);
            }
        }
    }
}

mod step_3_exit {
    use super::*;

    #[test]
    fn exit_closes_its_connection_without_a_reply_and_the_server_serves_on() {
        let mut server = SERVER.serve();
        let (mut leaving, mut staying) = (server.client(), server.client());
        leaving.sends(b"exit");
        expect_closed(leaving.tcp());
        server.program.stdout.wait_for("exit");
        server.answers(&mut staying, NI_HAO, &["你好"]);
        drop(staying);
        let mut newcomer = server.client();
        server.answers(&mut newcomer, NI_HAO, &["你好"]);
    }

    #[test]
    fn only_exactly_these_four_letters_are_the_exit_message() {
        goes_on_after_what_is_not_exit(&SERVER);
    }
}

mod step_4_many_clients {
    use super::*;

    #[test]
    fn fifty_silent_clients_hold_up_nobody_and_are_served_when_they_speak() {
        let mut server = SERVER.serve();
        let silent: Vec<_> = (0..50).map(|_| server.client()).collect();
        let mut busy = server.client();
        server.answers(&mut busy, NI_HAO, &["你好"]);
        for mut client in silent {
            server.answers(&mut client, b"at last", &["at last"]);
        }
    }
}

mod step_5_stream {
    use super::*;

    #[test]
    fn a_character_split_between_two_receives_comes_out_whole() {
        let mut server = SERVER.serve();
        let mut client = server.client();
        server.answers(&mut client, b"one\xc4", &["one"]);
        server.answers(&mut client, b"\xe3two", &["你two"]);
    }

    #[test]
    fn two_connections_do_not_share_their_half_characters() {
        let mut server = SERVER.serve();
        let (mut one, mut other) = (server.client(), server.client());
        server.answers(&mut one, b"\xc4", &[]);
        server.answers(&mut other, b"other", &["other"]);
        server.answers(&mut one, b"\xe3", &["你"]);
    }

    #[test]
    fn a_client_that_closes_its_side_still_gets_its_reply() {
        let server = SERVER.serve();
        let mut client = server.client();
        client.sends(NI_HAO);
        client.half_closes();
        client.expects(TCP_REPLY);
        expect_closed(client.tcp());
    }

    #[test]
    fn a_message_is_at_most_1_024_bytes_and_each_gets_one_reply() {
        let mut server = SERVER.serve();
        let mut client = server.client();
        client.sends(&[b'x'; 5_000]);
        client.half_closes();
        let mut replies = Vec::new();
        client.tcp().read_to_end(&mut replies).expect("all replies");
        let (mut received, mut messages) = (0, 0);
        while received < 5_000 {
            let line = server.program.stdout.wait_for("x");
            let size = line.matches('x').count();
            let english = "expected at most 1,024 bytes a message, but got {}";
            ensure(size <= 1_024, english, "一条消息最多 1024 字节，实际是 {}", &[&size]);
            (received, messages) = (received + size, messages + 1);
        }
        let is_right = replies == TCP_REPLY.repeat(messages);
        let english = "expected a reply to each of {} messages, but got {} bytes";
        let chinese = "{} 条消息应各有一条回复，实际收到 {} 字节";
        ensure(is_right, english, chinese, &[&messages, &replies.len()]);
    }
}

mod step_6_faults {
    use super::*;

    #[test]
    fn bytes_that_are_not_gbk_stop_nothing() {
        survives_what_is_not_gbk(&SERVER);
    }

    #[test]
    fn a_message_is_one_line_and_drives_no_terminal() {
        escapes_what_a_screen_obeys(&SERVER);
    }

    #[test]
    fn a_reset_ends_that_connection_alone_with_a_line_on_stderr() {
        let mut server = SERVER.serve();
        let (mut staying, mut resetting) = (server.client(), server.client());
        let port = resetting.address().port().to_string();
        server.answers(&mut resetting, NI_HAO, &["你好"]);
        resetting.resets();
        server.program.stderr.wait_for(&port);
        server.answers(&mut staying, NI_HAO, &["你好"]);
    }

    #[test]
    fn an_address_that_it_cannot_have_is_an_error_that_names_it() {
        names_an_address_that_it_cannot_have(&SERVER);
    }

    #[test]
    fn a_stdout_that_cannot_be_written_ends_it_with_status_1_and_the_reason() {
        ends_without_stdout(&SERVER);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_signal_ends_it_and_its_port_is_free() {
        ends_at_a_signal(&SERVER);
    }
}

mod step_7_contract {
    use super::*;

    #[test]
    fn its_lines_are_as_the_contract_says() {
        shows_what_the_contract_says(&SERVER);

        // The letters of exit after half a character belong to it, and half a one at the end shows.
        let mut server = SERVER.serve();
        let mut client = server.client();
        expect_line(&mut server, "connect from : PEER", &client);
        server.shows(&mut client, b"\xc4", "");
        server.shows(&mut client, b"exit", "膃xit");
        server.shows(&mut client, b"exit\xc4", "exit");
        client.half_closes();
        expect_line(&mut server, "receive messages:\u{fffd} from PEER", &client);
        expect_line(&mut server, "disconnect from : PEER", &client);
        expect_closed(client.tcp());

        // The end of a connection is no message.
        let mut client = server.client();
        expect_line(&mut server, "connect from : PEER", &client);
        client.half_closes();
        expect_line(&mut server, "disconnect from : PEER", &client);

        // A four-byte character of GB 18030 byte by byte; exit.
        let mut client = server.client();
        expect_line(&mut server, "connect from : PEER", &client);
        for (byte, text) in [(0x94, ""), (0x39, ""), (0xfc, ""), (0x36, "😀")] {
            server.shows(&mut client, &[byte], text);
        }
        client.sends(b"exit");
        expect_line(&mut server, "receive messages:exit from PEER", &client);
        expect_line(&mut server, "disconnect from : PEER", &client);
    }

    #[test]
    fn its_command_line_does_what_the_help_says_and_nothing_else() {
        testing::takes_its_command_line(&SERVER);
    }

    #[test]
    fn it_serves_localhost_an_empty_host_and_ipv6() {
        serves_at_any_host(&SERVER);
    }

    #[test]
    fn a_message_is_shown_before_it_is_answered() {
        shows_before_it_answers(&SERVER);
    }

    #[test]
    fn a_stdout_that_nobody_reads_holds_it_up_until_somebody_does() {
        waits_for_its_reader(&SERVER);
    }
}

/// What the server asks of the kernel, and what it does when the kernel has nothing to give.
#[cfg(target_os = "linux")]
mod step_7_contract_with_the_kernel {
    use std::fs;
    use std::io::{ErrorKind, Write};
    use std::thread;
    use std::time::{Duration, Instant};

    use socket2::SockRef;
    use testing::{DEADLINE, has_tool, limited, strace, uses_little_memory};

    use super::*;

    #[test]
    fn a_client_that_sends_and_never_reads_costs_no_memory_and_holds_up_nobody() {
        // Some 200,000 replies fit into the kernel's buffers; nobody wants their lines.
        let server = Server::start(SERVER.name, limited("exec >/dev/null", &SERVER.command()));
        let before = testing::peak_memory(server.program.id());
        let mut greedy = server.client();
        let socket = SockRef::from(&*greedy.tcp()).set_recv_buffer_size(4_096); // sooner full
        socket
            .and_then(|()| greedy.tcp().set_write_timeout(Some(Duration::from_millis(500))))
            .expect("options");
        let started = Instant::now();
        let stopped = loop {
            match greedy.tcp().write(&[b'a'; 60_000]) {
                Ok(_) if started.elapsed() > 3 * DEADLINE => break false,
                Ok(_) => {}
                Err(error) => break error.kind() == ErrorKind::WouldBlock,
            }
        };
        let english =
            "a server that waits for its client should stop reading, but this one went on";
        ensure(stopped, english, "等待客户端读取的服务器应停止读取，它却没有停", &[]);
        let mut other = server.client();
        other.sends(NI_HAO);
        other.expects(TCP_REPLY);
        uses_little_memory(&server.program, before);
    }

    #[test]
    fn a_message_costs_three_calls_with_each_line_written_whole() {
        costs(&SERVER, &["recvfrom", "write", "sendto"]);
    }

    #[test]
    fn out_of_descriptors_it_serves_those_it_has_and_accepts_again_when_one_leaves() {
        let mut server = Server::start(SERVER.name, limited("ulimit -n 14", &SERVER.command()));
        let mut clients: Vec<_> = (0..20).map(|_| server.client()).collect();
        server.program.stderr.expect_parts(&["tcp-server: ", "Too many open files"]);

        // The kernel keeps in the backlog whom the server cannot accept.
        let accepted = sockets(server.program.id()) - 1; // the listening one
        let newcomers = clients.split_off(accepted);
        for client in &mut clients {
            server.answers(client, NI_HAO, &["你好"]);
        }

        // For as long as nobody leaves, it tries ten times a second, which costs next to nothing.
        let started = Instant::now();
        let before = processor_ticks(server.program.id());
        thread::sleep(Duration::from_millis(2_500));
        let ticks = processor_ticks(server.program.id()) - before;
        assert!(
            ticks < 50,
            "expected the server to wait, but it took {ticks} ticks of processor time"
        );

        // For each that leaves one is accepted.
        for mut newcomer in newcomers {
            drop(clients.remove(0));
            server.answers(&mut newcomer, NI_HAO, &["你好"]);
            clients.push(newcomer);
        }
        let (said, seconds) = (server.program.stderr.seen().len(), started.elapsed().as_secs());
        let english = "expected at most ten lines a second, but got {} in {} seconds";
        let chinese = "每秒最多应写十行，实际 {} 行，用了 {} 秒";
        ensure(said as u64 <= 10 * (seconds + 2), english, chinese, &[&said, &seconds]);
    }

    /// How many sockets the process `id` has open.
    fn sockets(id: u32) -> usize {
        let descriptors =
            fs::read_dir(format!("/proc/{id}/fd")).expect("the process's descriptors");
        let targets = descriptors.flatten().flat_map(|entry| fs::read_link(entry.path()));
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Processor time of the process `id` so far, in ticks of 10 ms: fields 14 and 15 of proc(5) stat.
    fn processor_ticks(id: u32) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("the process's figures");
        let after_name = stat.rsplit(") ").next().expect("fields after the name");
        let fields = after_name.split(' ').skip(11).take(2);
        fields.map(|field| field.parse::<u64>().expect("ticks")).sum()
    }

    #[test]
    fn a_thread_that_cannot_be_started_ends_that_connection_alone() {
        if !has_tool("strace") {
            return;
        }
        let fail = ["-f", "-o", "/dev/null", "-e", "inject=clone3:error=EAGAIN:when=2"];
        let mut server = Server::start(SERVER.name, strace(&fail, &SERVER.command()));
        let mut first = server.client();
        server.answers(&mut first, NI_HAO, &["你好"]);
        let mut second = server.client();
        let peer = second.address().to_string();
        expect_closed(second.tcp());
        server.program.stderr.expect_parts(&["tcp-server: ", &peer, "thread"]);
        server.answers(&mut first, NI_HAO, &["你好"]);
        let mut third = server.client();
        server.answers(&mut third, NI_HAO, &["你好"]);
    }
}
