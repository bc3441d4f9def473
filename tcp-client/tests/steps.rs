//! The TCP client's side of the contract, step after step; a plain socket plays the server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use testing::clients::*;
use testing::{
    A_WHILE, DEADLINE, Peer, Program, Subject, TCP_REPLY, TCP_REPLY_TEXT, ensure, expect_closed,
    fails_and_names, tcp_listener,
};

const CLIENT: Subject = Subject { name: "tcp-client", own: env!("CARGO_BIN_EXE_tcp-client") };

/// A line of `hanzi` characters after one letter, so that no character starts at a multiple of two.
fn long_line(hanzi: usize) -> (String, Vec<u8>) {
    (format!("a{}\n", "你".repeat(hanzi)), [b"a".as_slice(), &b"\xc4\xe3".repeat(hanzi)].concat())
}

/// The client shows all of the `sent` bytes of replies.
fn expect_shown(client: &mut Program, sent: usize) {
    let shown: usize = client.stdout.rest().iter().map(String::len).sum();
    let english = "expected {} bytes of replies to be shown, but there were {}";
    ensure(shown == sent, english, "应显示 {} 字节的回复，实际是 {}", &[&sent, &shown]);
}

/// A server that sends without end until its client has left, or does not read for a while; what
/// the client sends it receives.
fn flood(server: &mut Peer, patience: Duration) -> thread::JoinHandle<()> {
    let mut flood = server.tcp().try_clone().expect("a second handle of the connection");
    flood.set_write_timeout(Some(patience)).expect("a timeout");
    thread::spawn(move || while flood.write_all(&[b'x'; 60_000]).is_ok() {})
}

mod step_1_hello {
    use super::*;

    #[test]
    fn it_connects_and_sends_a_line_in_gbk_and_shows_its_reply() {
        sends_a_line(&CLIENT);
    }
}

mod step_2_several {
    use super::*;

    #[test]
    fn each_line_waits_for_the_reply_to_the_one_before() {
        waits_for_each_reply(&CLIENT);
    }
}

mod step_3_leaving {
    use super::*;

    #[test]
    fn an_empty_line_or_the_end_of_the_input_leaves() {
        leaves_after(&CLIENT, &["\nmore\n", ""]);
    }

    #[test]
    fn exit_is_sent_and_the_client_leaves_once_the_server_has_closed_or_replied() {
        for reply in [&b""[..], TCP_REPLY] {
            let (mut server, mut client) = with_client(&CLIENT);
            client.types("exit\nmore\n");
            server.answers(b"exit", reply);
            if reply.is_empty() {
                expect_closed(server.tcp()); // its direction
                drop(server);
            } else {
                // As the tutorial's server, which knows no exit.
                client.stdout.wait_for(TCP_REPLY_TEXT);
                expect_closed(server.tcp());
            }
            client.ends_with(0);
        }
    }
}

mod step_4_text {
    use super::*;

    #[test]
    fn a_character_that_is_not_in_gbk_is_named_and_nothing_of_its_line_is_sent() {
        refuses_what_is_not_in_gbk(&CLIENT);
    }

    #[test]
    fn a_reply_is_one_line_and_drives_no_terminal() {
        escapes_what_a_screen_obeys(&CLIENT);
    }
}

mod step_5_stream {
    use super::*;

    #[test]
    fn a_reply_split_within_a_character_comes_out_whole() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\ntwo\n");
        server.answers(b"one", b"a\xc4");
        client.stdout.wait_for("a");
        server.answers(b"two", b"\xe3b");
        client.stdout.wait_for("你b");
    }

    #[test]
    fn a_long_line_goes_in_pieces_of_whole_characters_each_answered_and_shown() {
        let (mut server, mut client) = with_client(&CLIENT);
        let (line, message) = long_line(2_000);
        client.types(line);
        client.ends_input();
        let mut received = Vec::new();
        let mut pieces = 0;
        while received.len() < message.len() {
            // As the tutorial's server: it decodes each receive alone, and stops at half a character.
            let mut buffer = [0; 1024];
            let size = server.tcp().read(&mut buffer).expect("a piece of the line");
            ensure(size > 0, "a long line is cut off", "一个长行没有发完", &[]);
            received.extend_from_slice(&buffer[..size]);
            let is_whole = received.len() % 2 == 1 && message.starts_with(&received);
            let english = "a piece of a long line ends in the middle of a character";
            ensure(is_whole, english, "长行的一段在一个汉字中间断开", &[]);
            server.expects_nothing_yet();
            pieces += 1;
            server.sends(TCP_REPLY);
        }
        drop(server);
        let shown = client.stdout.rest().len();
        let english = "expected the replies to all {} pieces of a line, but {} were shown";
        ensure(shown == pieces, english, "{} 段各有一条回复，却显示了 {} 条", &[&pieces, &shown]);
        client.ends_with(0);
    }

    #[test]
    fn a_server_that_answers_each_byte_at_length_is_neither_deadlocked_nor_cut_short() {
        let (mut server, mut client) = with_client(&CLIENT);
        let (line, message) = long_line(5_000);
        client.types(line);
        client.ends_input();
        // 10 MB of replies while the line is on its way: more than the kernel's buffers hold.
        let reply = [b'r'; 1_000];
        for expected in &message {
            server.answers(&[*expected], &reply);
        }
        drop(server);
        expect_shown(&mut client, message.len() * reply.len());
        client.ends_with(0);
    }
}

mod step_6_faults {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_is_an_error_that_names_its_address() {
        let (listener, address) = tcp_listener();
        drop(listener);
        testing::wait_until("the port is closed", || TcpStream::connect(address).is_err());
        let client = testing::client(CLIENT.command(), address);
        fails_and_names(client, &address.to_string());
    }

    #[test]
    fn a_server_that_closes_without_an_answer_ends_the_client_and_names_the_message() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\ntwo\nthree\n");
        server.answers(b"one", b"1");
        server.expects(b"two");
        drop(server);
        client.stdout.wait_for("1");
        client.stderr.expect_parts(&["two", "closed"]);
        client.ends_silently_with(1); // although its input goes on
    }

    #[test]
    fn a_server_that_resets_ends_the_client_and_names_the_message() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\ntwo\nthree\n");
        server.answers(b"one", b"1");
        server.expects(b"two");
        server.resets();
        client.stderr.expect_parts(&["two", "reset"]);
        client.ends_with(1);
    }

    #[test]
    fn a_reset_while_the_client_leaves_is_an_error() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\n");
        // The reply comes in two parts. The second one counts as the reply to the next message, which
        // the server does not receive before it closes.
        server.answers(b"one", b"1");
        client.stdout.wait_for("1");
        client.types("two\n");
        server.tcp().peek(&mut [0; 3]).expect("the next message is there");
        server.sends(b"rest");
        client.stdout.wait_for("rest");
        drop(server);
        client.ends_input();
        client.stderr.expect_parts(&["reset"]);
        client.ends_silently_with(1);
    }

    #[test]
    fn a_server_that_takes_nothing_for_5_seconds_ends_the_client() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("a".repeat(8_000_000) + "\n");
        // It sends without receiving. Both would wait for each other for ever.
        let sending = flood(&mut server, DEADLINE);
        client.stderr.expect_parts(&["aaa…", "takes nothing", "5 seconds"]);
        client.ends_with(1);
        sending.join().expect("the flood ends with the client");
    }

    #[test]
    fn a_server_that_takes_seven_seconds_is_waited_for() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\n");
        server.expects(b"one");
        thread::sleep(Duration::from_secs(7));
        server.sends(b"1");
        client.stdout.wait_for("1");
    }

    #[test]
    fn a_server_that_goes_on_is_heard_to_its_end_and_a_silent_one_is_left_and_named() {
        let [(mut server, mut client), (_silent, mut other)] = [(); 2].map(|()| {
            let (mut server, mut client) = with_client(&CLIENT);
            client.types("one\n\n");
            server.answers(b"one", b"1");
            client.stdout.wait_for("1");
            expect_closed(server.tcp()); // the client has left, and still reads
            (server, client)
        });
        // Longer than it waits in silence, half a character at a time.
        for half in [b"\xc4", b"\xe3", b"\xba", b"\xc3"] {
            thread::sleep(Duration::from_millis(1_500));
            server.sends(half);
        }
        client.stdout.wait_for("你");
        client.stdout.wait_for("好");
        drop(server);
        client.ends_silently_with(0);
        other.stderr.expect_parts(&["has not closed"]);
        other.ends_silently_with(0);
    }
}

mod step_7_contract {
    use super::*;

    #[test]
    fn its_lines_are_as_the_contract_says() {
        talks_as_the_contract_says(&CLIENT);
        refuses_as_the_contract_says(&CLIENT);
        leaves_after(&CLIENT, &["\r\nmore\n"]);
    }

    #[test]
    fn its_command_line_does_what_the_help_says_and_nothing_else() {
        testing::takes_its_command_line(&CLIENT);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_prompt_asks_for_each_line_at_a_terminal_alone() {
        asks_at_a_terminal(&CLIENT);
    }

    #[test]
    fn it_finds_its_server_by_localhost_and_over_ipv6() {
        talks_to_any_host(&CLIENT);
    }

    #[test]
    fn a_stdout_that_nobody_reads_ends_it_with_status_1_and_the_reason() {
        ends_without_stdout(&CLIENT);
    }

    #[test]
    fn a_long_line_that_ends_in_exit_is_not_cut_before_that() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types(format!("{}exit\nmore\n", "a".repeat(1024)));
        let (mut buffer, mut received) = ([0; 1024], 0);
        while received < 1028 {
            let size = server.tcp().read(&mut buffer).expect("a piece of the line");
            let is_exit = size == 0 || &buffer[..size] == b"exit";
            let english = "the last piece of a long line that ends in exit is an exit message";
            ensure(!is_exit, english, "以 exit 结尾的长行，最后一段成了 exit 消息", &[]);
            received += size;
            server.sends(b"1");
        }
        server.answers(b"more", b"2");
    }

    #[test]
    fn a_server_that_speaks_first_has_answered() {
        let (mut server, mut client) = with_client(&CLIENT);
        server.sends(b"welcome"); // as netcat with a file to send
        client.types("one\n");
        client.ends_input();
        server.expects(b"one");
        client.stdout.expect("welcome");
        expect_closed(server.tcp());
        drop(server);
        client.ends_silently_with(0);
    }

    #[test]
    fn an_extra_reply_counts_as_the_reply_to_the_next_message_and_all_is_shown() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\n");
        server.answers(b"one", b"1");
        client.stdout.expect("1");
        server.sends(b"1 again");
        client.types("two\n");
        client.stdout.expect("1 again");
        client.ends_input();
        server.answers(b"two", b"2");
        drop(server);
        client.stdout.expect("2");
        client.ends_silently_with(0);
    }

    #[test]
    fn a_server_that_sends_without_end_costs_no_memory_and_is_sent_the_next_line() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\n");
        server.answers(b"one", b"1");
        client.stdout.expect("1");
        #[cfg(target_os = "linux")]
        let before = testing::peak_memory(client.id());
        flood(&mut server, A_WHILE).join().expect("the flood stops where nobody reads");
        #[cfg(target_os = "linux")]
        testing::uses_little_memory(&client, before);
        let flooding = flood(&mut server, DEADLINE);
        client.types("two\n");
        server.expects(b"two");
        client.kill();
        flooding.join().expect("the flood ends with the client");
    }

    #[test]
    fn a_server_that_reads_slowly_gets_all_of_a_long_line_and_all_its_replies_are_shown() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types(format!("{}\n", "a".repeat(1_500)));
        client.ends_input();
        // The last piece is on its way as soon as the first byte is answered, and 6 seconds pass.
        for _ in 0..1_500 {
            thread::sleep(Duration::from_millis(4));
            server.answers(b"a", b"r");
        }
        expect_closed(server.tcp());
        drop(server);
        expect_shown(&mut client, 1_500);
        client.ends_silently_with(0);
    }

    #[test]
    fn half_a_character_at_the_end_shows_as_malformed() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\n");
        client.ends_input();
        server.answers(b"one", b"a\xc4");
        drop(server);
        client.stdout.expect("a");
        client.stdout.expect("\u{fffd}");
        client.ends_silently_with(0);
    }
}
