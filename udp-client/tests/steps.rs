//! The UDP client's side of the contract, step after step; a plain socket plays the server.

use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use testing::clients::*;
use testing::{
    NI_HAO, Peer, Program, Subject, datagram, ensure, has_udp_refusals, run, shortened, udp_socket,
    wait_until, with_own_network,
};

const CLIENT: Subject = Subject { name: "udp-client", own: env!("CARGO_BIN_EXE_udp-client") };

mod step_1_hello {
    use super::*;

    #[test]
    fn a_line_is_sent_in_gbk_and_its_reply_shown() {
        sends_a_line(&CLIENT);
    }
}

mod step_2_several {
    use super::*;

    #[test]
    fn each_line_waits_for_the_reply_to_the_one_before() {
        waits_for_each_reply(&CLIENT);
    }

    #[test]
    fn an_empty_line_leaves() {
        leaves_after(&CLIENT, &["\nmore\n"]);
    }
}

mod step_3_leaving {
    use super::*;

    #[test]
    fn exit_is_sent_and_the_client_leaves_without_waiting() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("exit\nmore\n");
        server.expects(b"exit");
        client.ends_with(0);
        server.expects_nothing_yet();
    }

    #[test]
    fn the_end_of_the_input_leaves() {
        leaves_after(&CLIENT, &[""]);
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

mod step_5_silence {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_is_reported_at_once_for_each_message() {
        if !has_udp_refusals() {
            return;
        }
        let (server, mut client) = with_client(&CLIENT);
        let address = server.address();
        drop(server);
        wait_until("the port is free", || UdpSocket::bind(address).is_ok());
        client.types("one\ntwo\n");
        client.stderr.expect_parts(&["one", "refused"]);
        client.stderr.expect_parts(&["two", "refused"]);
        // One that comes back is heard again.
        let mut server = Peer::Udp(UdpSocket::bind(address).expect("the port is free"), None);
        client.types("three\n");
        server.answers(b"three", b"3");
        client.stdout.wait_for("3");
        client.ends_input();
        client.ends_with(1);
    }

    #[test]
    fn a_reply_that_takes_three_seconds_is_waited_for() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\n");
        server.expects(b"one");
        thread::sleep(Duration::from_secs(3));
        server.sends(b"1");
        client.stdout.wait_for("1");
    }

    #[test]
    fn a_silent_server_is_reported_after_5_seconds_and_its_late_reply_answers_nothing() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\ntwo\n");
        server.expects(b"one");
        client.stderr.expect_parts(&["one", "5"]);
        // The reply to the first message comes while the second one waits for its own.
        let Peer::Udp(socket, Some(first)) = &server else { unreachable!("it is UDP's") };
        let (message, second) = datagram(socket);
        assert_eq!(message, b"two");
        socket.send_to(b"late", first).expect("the late reply is sent");
        socket.send_to(b"2", second).expect("the reply is sent");
        client.stdout.expect("2");
        client.ends_input();
        client.ends_with(1);
    }
}

mod step_6_strangers {
    use super::*;

    #[test]
    fn only_the_server_itself_can_answer() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("你好\n");
        server.expects(NI_HAO);
        let Peer::Udp(_, Some(peer)) = &server else { unreachable!("it is UDP's") };
        udp_socket().send_to(b"forged", peer).expect("the forged reply is sent");
        server.sends(b"real");
        client.stdout.expect("real");
    }

    #[test]
    fn a_second_reply_to_one_message_does_not_answer_the_next() {
        let (server, client) = with_client(&CLIENT);
        check_second_reply(server, client);
    }
}

/// Answers one message twice: the second reply is not taken for the next message's.
fn check_second_reply(mut server: Peer, mut client: Program) {
    client.types("one\n");
    server.expects(b"one");
    server.sends(b"1");
    server.sends(b"1 again");
    client.stdout.expect("1");
    client.types("two\n");
    server.answers(b"two", b"2");
    client.stdout.expect("2");
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
    fn a_client_does_not_take_itself_for_the_server() {
        is_not_its_own_server(&CLIENT);
    }

    #[test]
    fn a_datagram_carries_65_507_bytes_and_no_more() {
        let (mut server, mut client) = with_client(&CLIENT);
        let most = "a".repeat(65_507);
        client.types(format!("{most}\n{most}a\nhello\n"));
        client.ends_input();
        server.answers(most.as_bytes(), most.as_bytes());
        client.stdout.expect(&most);
        client.stderr.expect_parts(&["udp-client: ", "65508", "65507"]);
        server.answers(b"hello", b"2");
        client.ends_with(1);
    }

    #[test]
    fn nobody_listens_at_port_0() {
        if has_udp_refusals() {
            expect_failures(CLIENT.with(&["127.0.0.1", "0"]), &["127.0.0.1:0"]);
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_client_that_is_stopped_and_continued_still_waits_for_its_reply() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("你好\n");
        server.expects(NI_HAO);
        testing::signal("STOP", client.id());
        testing::signal("CONT", client.id());
        server.sends(b"hi");
        client.stdout.expect("hi");
        client.ends_input();
        client.ends_silently_with(0);
    }

    /// Two messages fail, each with all of `parts` in its line.
    fn expect_failures(command: std::process::Command, parts: &[&str]) {
        let (status, stdout, stderr) = run(command, "one\ntwo\n");
        let named = |line: &String| parts.iter().all(|part| line.contains(part));
        let is_failure = |line: &String| named(line) && !line.contains("endpoint");
        let is_right = stderr.len() == 2 && stderr.iter().all(is_failure);
        ensure(
            status == Some(1) && stdout.is_empty() && is_right,
            "expected two messages to fail, each in a line with {}, and status 1, but got {}",
            "两条消息都应失败，各有一行提到 {}，退出状态 1，实际是 {}",
            &[&format!("{parts:?}"), &shortened(&format!("{stderr:?}"))],
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_network_that_does_not_reach_the_server_is_each_messages_failure() {
        with_own_network("", || {
            // RFC 5737: nobody's, and there is no route.
            let client = CLIENT.with(&["192.0.2.1", "7890"]);
            expect_failures(client, &["192.0.2.1:7890", "unreachable"]);
        });
    }

    /// Of a server that answers late, where the kernel has two ports to give out: the reply to the
    /// first message comes while the second one is asked, and neither port is used again.
    #[test]
    fn a_late_reply_answers_nothing_with_two_ports_to_give_out() {
        let two = "echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range";
        with_own_network(two, || {
            let server = UdpSocket::bind("127.0.0.1:50000").expect("a port of a new network");
            let mut client = Program::start(CLIENT.with(&["127.0.0.1", "50000"]));
            client.types("1\n2\n3\n4\n");
            client.ends_input();
            let [(first, peer), _] = [(); 2].map(|()| datagram(&server));
            server.send_to(&first, peer).expect("the late reply is sent");
            for why in ["5 seconds", "5 seconds", "cannot bind 0.0.0.0:0", "cannot bind 0.0.0.0:0"]
            {
                client.stderr.expect_parts(&["udp-client: ", why]);
            }
            client.ends_with(1);
            client.stdout.expect_end();
        });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_error_about_an_earlier_message_hides_no_late_reply() {
        if !testing::has_tool("strace") {
            return;
        }
        let socket = udp_socket();
        let port = socket.local_addr().expect("the server's address").port().to_string();
        // The first look for late replies, the reply, and then the second look, which fails at once.
        let fail = ["-o", "/dev/null", "-e", "inject=recvfrom:error=ECONNREFUSED:when=3"];
        let client = testing::strace(&fail, &CLIENT.with(&["127.0.0.1", &port]));
        check_second_reply(Peer::Udp(socket, None), Program::start(client));
    }
}
