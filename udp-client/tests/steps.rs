//! The UDP client's side of the contract, step after step; a plain socket plays the server.

use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use testing::clients::*;
use testing::{
    NI_HAO, Peer, Program, Subject, datagram, has_udp_refusals, udp_socket, wait_until,
    with_own_network,
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
    fn a_late_reply_to_a_message_that_was_refused_answers_nothing() {
        if !has_udp_refusals() {
            return;
        }
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("zero\n");
        server.answers(b"zero", b"0");
        client.stdout.wait_for("0");
        let address = server.address();
        let Peer::Udp(socket, Some(first)) = server else { unreachable!("it is UDP's") };
        drop(socket);
        wait_until("the port is free", || UdpSocket::bind(address).is_ok());
        client.types("one\n");
        client.stderr.expect_parts(&["one", "refused"]);
        let socket = UdpSocket::bind(address).expect("the port is free");
        client.types("two\n");
        let (message, second) = datagram(&socket);
        assert_eq!(message, b"two");
        socket.send_to(b"late", first).expect("the late reply is sent");
        socket.send_to(b"2", second).expect("the reply is sent");
        client.stdout.expect("2");
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
    fn an_extra_reply_counts_as_the_reply_to_the_next_message() {
        let (mut server, mut client) = with_client(&CLIENT);
        client.types("one\n");
        server.expects(b"one");
        server.sends(b"1");
        server.sends(b"1 again");
        client.stdout.expect("1");
        client.types("two\n");
        client.stdout.expect("1 again");
        server.expects(b"two");
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

    #[test]
    #[cfg(target_os = "linux")]
    fn a_network_that_does_not_reach_the_server_is_the_end() {
        with_own_network("", || {
            // RFC 5737: nobody's, and there is no route.
            let mut client = Program::start(CLIENT.with(&["192.0.2.1", "7890"]));
            client.stderr.expect_parts(&["udp-client: ", "192.0.2.1:7890", "unreachable"]);
            client.ends_silently_with(1); // without a line of input
        });
    }

    /// Sends three messages, the first two of which are not answered, on a network where the kernel
    /// has only `ports` to give out.
    fn with_few_ports(ports: &str) {
        let range = format!("echo {ports} >/proc/sys/net/ipv4/ip_local_port_range");
        with_own_network(&range, || {
            let server = UdpSocket::bind("127.0.0.1:50000").expect("a port of a new network");
            let mut client = Program::start(CLIENT.with(&["127.0.0.1", "50000"]));
            client.types("1\n2\n3\n");
            client.ends_input();
            for number in [b"1", b"2"] {
                assert_eq!(datagram(&server).0, number);
                client.stderr.expect_parts(&["udp-client: ", "5 seconds"]);
            }
            let (third, peer) = datagram(&server);
            server.send_to(&third, peer).expect("the reply is sent");
            client.stdout.expect("3");
            client.ends_with(1);
        });
    }

    #[test]
    fn with_two_ports_each_message_after_a_silence_goes_from_the_other() {
        with_few_ports("40000 40001");
    }

    #[test]
    fn with_one_port_the_old_socket_serves_on() {
        with_few_ports("40000 40000");
    }
}
