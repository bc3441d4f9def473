//! The exercise sheets: every command on them is run, and prints what they say it prints.
//!
//! A sheet's ```` ```console ```` blocks are commands (`$ …`) with what they print. Under each heading the
//! blocks marked ```` ```console server ```` are started first and run beside the others; what they print is
//! compared once the others have ended. A client's port is another one each time and stands for any.
//! The sheets use port 7890, so each is checked in a network namespace of its own.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use testing::{
    Program, UTF_8, build, has_netcat, has_tool, try_signal, wait_until, with_own_network,
};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A block of a sheet: commands, each with the lines that it prints.
#[derive(Debug, PartialEq)]
struct Block {
    is_server: bool,
    commands: Vec<(String, Vec<String>)>,
}

/// The blocks under each heading of `sheet`.
fn sections(sheet: &str) -> Vec<(String, Vec<Block>)> {
    let mut sections = vec![(String::new(), Vec::new())];
    let mut lines = sheet.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            sections.push((line.to_owned(), Vec::new()));
        } else if line.starts_with("```console") {
            let mut block = Block { is_server: line.ends_with(" server"), commands: Vec::new() };
            for line in lines.by_ref().take_while(|line| *line != "```") {
                match (line.strip_prefix("$ "), block.commands.last_mut()) {
                    (Some(command), _) => block.commands.push((command.to_owned(), Vec::new())),
                    (None, Some((_, output))) => output.push(line.to_owned()),
                    (None, None) => panic!("a block begins with {line:?} and not with a command"),
                }
            }
            sections.last_mut().expect("there is a first section").1.push(block);
        } else if line.starts_with("```") {
            lines.by_ref().find(|line| *line == "```"); // another kind of block
        }
    }
    sections
}

/// The line with PORT for a client's port.
fn without_ports(line: &str) -> String {
    let mut parts = line.split("127.0.0.1:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let port = if &part[..digits] == "7890" { "7890" } else { "PORT" };
        text += &format!("127.0.0.1:{port}{}", &part[digits..]);
    }
    text
}

/// A command of a sheet, with all that it starts in a process group of its own.
struct Started(Program);

fn bash(command: &str) -> Started {
    let mut bash = Command::new("bash");
    bash.env("LC_ALL", UTF_8)
        .current_dir(REPOSITORY)
        .args(["-c", &format!("exec 2>&1; {command}")])
        .process_group(0);
    Started(Program::start(bash))
}

impl Started {
    fn kill(&self) {
        try_signal("KILL", &format!("-{}", self.0.id()));
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until `server` says that it listens, or where it says nothing, as netcat, until it does.
fn await_ready(server: &mut Program, expected: &[String]) {
    if expected.iter().any(|line| line.contains("listening on")) {
        server.stdout.wait_for("listening on");
        return;
    }
    wait_until("somebody listens on port 7890", || {
        let sockets = Command::new("ss").args(["-Hltun", "sport = :7890"]).output().expect("ss");
        !sockets.stdout.is_empty()
    });
}

fn expect_same(place: &str, printed: &[String], expected: &[String]) {
    let printed: Vec<_> = printed.iter().map(|line| without_ports(line)).collect();
    let expected: Vec<_> = expected.iter().map(|line| without_ports(line)).collect();
    assert_eq!(printed, expected, "{place}: what it prints (left) is not what is written (right)");
}

fn check_section(place: &str, blocks: &[Block]) {
    let mut servers = Vec::new();
    for block in blocks.iter().filter(|block| block.is_server) {
        let [(command, expected)] = &block.commands[..] else {
            panic!("{place}: a server's block has one command")
        };
        let mut server = bash(&format!("exec {command}"));
        await_ready(&mut server.0, expected);
        servers.push((server, command, expected));
    }
    for (command, expected) in
        blocks.iter().filter(|block| !block.is_server).flat_map(|block| &block.commands)
    {
        let mut program = bash(command);
        program.0.ends_input();
        expect_same(&format!("{place}: {command}"), &program.0.stdout.rest(), expected);
        program.0.status();
    }
    for (mut server, command, expected) in servers {
        let lines = &mut server.0.stdout;
        while lines.seen().len() < expected.len() && lines.next_line().is_some() {}
        server.kill();
        server.0.stdout.rest();
        expect_same(&format!("{place}: {command}"), &server.0.stdout.seen(), expected);
    }
}

/// Checks the commands of an exercise's English sheet, on a network that they have to themselves.
fn check(test: &str, exercise: &str) {
    if !has_netcat() || !has_tool("ss") {
        return;
    }
    build(&[]); // there is no network to build with in there
    with_own_network(test, "", || {
        for (heading, blocks) in sections(&sheet(exercise, "README.md")) {
            check_section(&format!("{exercise}, {heading}"), &blocks);
        }
    });
}

fn sheet(exercise: &str, name: &str) -> String {
    fs::read_to_string(Path::new(REPOSITORY).join(exercise).join(name)).expect("the sheet")
}

#[test]
fn the_commands_of_the_udp_server_sheet_print_what_is_written() {
    check("the_commands_of_the_udp_server_sheet_print_what_is_written", "udp-server");
}

#[test]
fn the_commands_of_the_udp_client_sheet_print_what_is_written() {
    check("the_commands_of_the_udp_client_sheet_print_what_is_written", "udp-client");
}

#[test]
fn the_commands_of_the_tcp_server_sheet_print_what_is_written() {
    check("the_commands_of_the_tcp_server_sheet_print_what_is_written", "tcp-server");
}

#[test]
fn the_commands_of_the_tcp_client_sheet_print_what_is_written() {
    check("the_commands_of_the_tcp_client_sheet_print_what_is_written", "tcp-client");
}

/// So it is enough to run those of one language.
#[test]
fn the_sheets_of_both_languages_have_the_same_commands() {
    for exercise in ["udp-server", "udp-client", "tcp-server", "tcp-client"] {
        let blocks = |name| -> Vec<Block> {
            sections(&sheet(exercise, name)).into_iter().flat_map(|(_, blocks)| blocks).collect()
        };
        let english = blocks("README.md");
        assert!(english.len() > 10, "{exercise} has only {} commands", english.len());
        assert_eq!(english, blocks("README.zh-CN.md"), "{exercise}: English left, Chinese right");
    }
}
