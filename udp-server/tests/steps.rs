//! The UDP server's side of the contract, step after step; plain sockets play its clients.

use testing::servers::*;
use testing::{NI_HAO, Peer, Server, Subject, UDP_REPLY, UDP_REPLY_TEXT, ensure};

const SERVER: Subject = Subject { name: "udp-server", own: env!("CARGO_BIN_EXE_udp-server") };

/// Sends a datagram of that `size`, all of which the server has to show.
fn expect_whole(server: &mut Server, client: &mut Peer, size: usize) {
    client.sends(&vec![b'x'; size]);
    client.expects(UDP_REPLY);
    let shown = server.program.stdout.wait_for("xx").matches('x').count();
    let english = "expected all {} bytes of a datagram to be shown, but there are {}";
    ensure(
        shown == size,
        english,
        "数据报的 {} 个字节应全部显示，实际只有 {} 个",
        &[&size, &shown],
    );
}

mod step_1_hello {
    use super::*;

    #[test]
    fn a_line_says_where_it_listens() {
        says_where_it_listens(&SERVER);
    }

    #[test]
    fn a_message_is_shown_with_its_sender_and_answered_in_gbk() {
        answers_a_message(&SERVER);
    }
}

mod step_2_several {
    use super::*;

    #[test]
    fn every_message_of_every_client_is_answered() {
        let mut server = SERVER.serve();
        let (mut one, mut other) = (server.client(), server.client());
        for _ in 0..3 {
            server.answers(&mut one, b"one", &["one"]);
            server.answers(&mut other, b"other", &["other"]);
        }
    }
}

mod step_3_exit {
    use super::*;

    #[test]
    fn exit_ends_the_server_with_status_0_and_gets_no_reply() {
        let mut server = SERVER.serve();
        let mut client = server.client();
        server.answers(&mut client, NI_HAO, &["你好"]);
        client.sends(b"exit");
        server.program.ends_with(0);
        server.program.stdout.wait_for("exit");
        client.expects_nothing_yet();
    }

    #[test]
    fn only_exactly_these_four_letters_are_the_exit_message() {
        goes_on_after_what_is_not_exit(&SERVER);
    }
}

mod step_4_datagrams {
    use super::*;

    #[test]
    fn a_datagram_comes_whole_however_long_it_is() {
        let mut server = SERVER.serve();
        let mut client = server.client();
        for size in [1_024, 1_025, 1_200, 9_000] {
            expect_whole(&mut server, &mut client, size);
        }
    }

    #[test]
    fn an_empty_datagram_is_a_message_like_any_other() {
        let mut server = SERVER.serve();
        let mut client = server.client();
        server.answers(&mut client, b"", &["receive messages:"]);
        server.answers(&mut client, NI_HAO, &["你好"]);
    }
}

mod step_5_bytes {
    use super::*;

    #[test]
    fn bytes_that_are_not_gbk_stop_nothing() {
        survives_what_is_not_gbk(&SERVER);
    }

    #[test]
    fn a_message_is_one_line_and_drives_no_terminal() {
        escapes_what_a_screen_obeys(&SERVER);
    }
}

mod step_6_faults {
    use super::*;

    #[test]
    fn an_address_that_it_cannot_have_is_an_error_that_names_it() {
        names_an_address_that_it_cannot_have(&SERVER);
    }

    #[test]
    fn its_own_reply_is_shown_and_not_answered() {
        // As from another server, or from itself where somebody forges the sender's address.
        let mut server = SERVER.serve();
        let mut client = server.client();
        client.sends(UDP_REPLY);
        server.program.stdout.wait_for(UDP_REPLY_TEXT);
        client.expects_nothing_yet();
        server.answers(&mut client, NI_HAO, &["你好"]);
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
        let mut server = SERVER.serve();
        server.program.stdout.expect("waiting for messages......");
        let mut client = server.client();
        // Half a character is not kept for the next datagram.
        server.shows(&mut client, b"\xc4", "\u{fffd}");
        server.shows(&mut client, b"\xe3\x41", "鉇");
        expect_whole(&mut server, &mut client, 65_507);
        server.program.stdout.expect("waiting for messages......");
        client.sends(b"exit");
        let last = format!("receive messages:exit from {}", client.address());
        server.program.stdout.expect(&last);
        server.program.ends_silently_with(0);
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

/// What the server asks of the kernel, and what it does when the kernel refuses: under strace, which
/// shows the calls and can make them fail.
#[cfg(target_os = "linux")]
mod step_7_contract_with_the_kernel {
    use std::time::{Duration, Instant};

    use testing::{has_tool, strace};

    use super::*;

    fn server_under_strace(options: &[&str]) -> Option<Server> {
        let command = has_tool("strace").then(|| strace(options, &SERVER.command()))?;
        Some(Server::start(SERVER.name, command))
    }

    #[test]
    fn a_message_costs_four_calls_with_each_line_written_whole() {
        costs(&SERVER, &["recvfrom", "write", "sendto", "write"]);
    }

    #[test]
    fn a_call_that_fails_once_is_reported_and_the_server_goes_on() {
        // As Windows reports that an earlier reply found nobody, and a reply that finds no way.
        for (fail, said) in
            [("recvfrom:error=ECONNRESET", "reset"), ("sendto:error=ENETUNREACH", "unreachable")]
        {
            let fail = format!("inject={fail}:when=1");
            let options = ["-o", "/dev/null", "-e", &fail];
            let Some(mut server) = server_under_strace(&options) else { return };
            let mut client = server.client();
            client.sends(b"lost");
            server.program.stderr.expect_parts(&["udp-server: ", said]);
            if said == "reset" {
                client.expects(UDP_REPLY); // once it has received
            }
            server.answers(&mut client, NI_HAO, &["你好"]);
        }
    }

    /// The time that the server takes for twenty receives that fail, and how many it reports.
    fn twenty_failures(error: &str) -> Option<(Duration, usize)> {
        let inject = format!("inject=recvfrom:error={error}:when=1..20");
        let started = Instant::now();
        let mut server = server_under_strace(&["-o", "/dev/null", "-e", &inject])?;
        server.client().sends(b"exit");
        server.program.ends_with(0);
        server.program.stderr.rest();
        let is_error = |line: &&String| line.starts_with("udp-server: cannot receive: ");
        Some((started.elapsed(), server.program.stderr.seen().iter().filter(is_error).count()))
    }

    #[test]
    fn a_receive_that_fails_again_and_again_is_reported_ten_times_a_second() {
        let Some((time, reported)) = twenty_failures("ENOMEM") else { return };
        let milliseconds = time.as_millis();
        let english = "receive failed 20 times in {} ms, and {} were reported: report each, and \
                       pause for 100 ms";
        let chinese = "接收在 {} 毫秒内失败了 20 次，报告了 {} 次：每次都应报告，然后停 100 毫秒";
        let is_right = time > Duration::from_millis(1_900) && reported == 20;
        ensure(is_right, english, chinese, &[&milliseconds, &reported]);
    }

    #[test]
    fn after_a_reset_the_next_receive_follows_immediately() {
        let Some((time, reported)) = twenty_failures("ECONNRESET") else { return };
        let milliseconds = time.as_millis();
        let english =
            "20 resets took {} ms, and {} were reported: after a reset no pause is needed";
        let chinese = "20 次复位用了 {} 毫秒，报告了 {} 次：复位之后不必停顿";
        let is_right = time < Duration::from_millis(1_900) && reported == 20;
        ensure(is_right, english, chinese, &[&milliseconds, &reported]);
    }
}
