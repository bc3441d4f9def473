//! The exercise sheets: every command on them is run, and prints what they say it prints.
//!
//! A sheet's ```` ```console ```` blocks are commands (`$ …`) with what they print. Under each heading the
//! blocks marked ```` ```console server ```` are started first and run beside the others; what they print is
//! compared once the others have ended. A client's port is another one each time and stands for any.
//! The sheets use port 7890, so each is checked in a network namespace of its own.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use testing::{
    Program, UTF_8, has_netcat, has_tool, scratch_folder, succeeds, wait_until, with_own_network,
    without_ports, workspace_program, write_program,
};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A command of a sheet, with the lines that it prints.
#[derive(Debug, PartialEq)]
struct Step {
    is_server: bool,
    command: String,
    prints: Vec<String>,
}

/// The commands under each heading of an exercise's sheet of that name.
fn sections(exercise: &str, name: &str) -> Vec<Vec<Step>> {
    let sheet = fs::read_to_string(format!("{REPOSITORY}/{exercise}/{name}")).expect("the sheet");
    let mut sections = vec![Vec::new()];
    for (number, part) in sheet.split("\n```").enumerate() {
        let is_block = number % 2 == 1;
        if !is_block && part.contains("\n#") {
            sections.push(Vec::new());
        }
        let Some(block) = part.strip_prefix("console").filter(|_| is_block) else { continue };
        let mut commands = block.split("\n$ ");
        let is_server = commands.next() == Some(" server");
        sections.last_mut().expect("there is a first one").extend(commands.map(|command| {
            let mut lines = command.lines().map(str::to_owned);
            let command = lines.next().unwrap_or_default();
            Step { is_server, command, prints: lines.collect() }
        }));
    }
    sections
}

/// The `step` has `printed` what is written, with any port for a client's.
fn check_printed(step: &Step, printed: &[String]) {
    let [printed, written] = [printed, &step.prints]
        .map(|lines| lines.iter().map(|line| without_ports(line)).collect::<Vec<_>>());
    assert_eq!(printed, written, "what `{}` prints and what is written", step.command);
}

fn start(step: &Step, path: &str) -> Program {
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("exec 2>&1; {}", step.command)]);
    bash.env("LC_ALL", UTF_8).env("PATH", path).current_dir(REPOSITORY);
    Program::start(bash)
}

/// Starts a server and waits until it says that it listens, or as netcat, which says nothing, does.
fn start_server(step: &Step, path: &str) -> Program {
    let mut server = start(step, path);
    if step.prints.iter().any(|line| line.contains("listening on")) {
        server.stdout.wait_for("listening on");
    }
    let listens = "ss -Hltun 'sport = :7890' | grep -q .";
    wait_until("somebody listens on port 7890", || succeeds("bash", &["-c", listens]));
    server
}

fn check_section(steps: &[Step], path: &str) {
    let (servers, others): (Vec<_>, Vec<_>) = steps.iter().partition(|step| step.is_server);
    let servers: Vec<_> =
        servers.into_iter().map(|step| (step, start_server(step, path))).collect();
    for step in others {
        let mut started = start(step, path);
        started.ends_input();
        check_printed(step, &started.stdout.rest());
        started.status();
    }
    for (step, mut server) in servers {
        let lines = &mut server.stdout;
        while lines.seen().len() < step.prints.len() {
            lines.wait_for("");
        }
        server.kill_all();
        server.stdout.rest();
        check_printed(step, &server.stdout.seen());
    }
}

/// Checks the commands of an exercise's English sheet, on a network that they have to themselves.
fn check(exercise: &str) {
    if !has_netcat() || !has_tool("ss") {
        return;
    }
    let program = workspace_program(exercise); // there is no network to build with in there
    with_own_network("", || {
        // Where commands of a sheet are to run side by side, cargo's lock may not hold one up.
        let folder = scratch_folder("no-cargo");
        let programs = Path::new(program.get_program()).with_file_name("$4");
        let run = format!(
            "[ \"$1 $2 $3\" = 'run -q -p' ] && exec \"{}\" \"${{@:6}}\"",
            programs.display()
        );
        write_program(&folder.join("cargo"), &format!("#!/usr/bin/env bash\n{run}\n"));
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        sections(exercise, "README.md").iter().for_each(|steps| check_section(steps, &path));
        fs::remove_dir_all(&folder).expect("the folder is there");
    });
}

#[test]
fn the_commands_of_the_udp_server_sheet_print_what_is_written() {
    check("udp-server");
}

#[test]
fn the_commands_of_the_udp_client_sheet_print_what_is_written() {
    check("udp-client");
}

#[test]
fn the_commands_of_the_tcp_server_sheet_print_what_is_written() {
    check("tcp-server");
}

#[test]
fn the_commands_of_the_tcp_client_sheet_print_what_is_written() {
    check("tcp-client");
}

/// So it is enough to run those of one language.
#[test]
fn the_sheets_of_both_languages_have_the_same_commands() {
    for exercise in ["udp-server", "udp-client", "tcp-server", "tcp-client"] {
        let [english, chinese] = ["README.md", "README.zh-CN.md"]
            .map(|name| sections(exercise, name).into_iter().flatten().collect::<Vec<_>>());
        assert!(english.len() > 10, "{exercise} has only {} commands", english.len());
        assert_eq!(english, chinese, "{exercise}: English left, Chinese right");
    }
}

/// `check.sh` points to a step's row, and names a test in Chinese by its row.
#[test]
fn each_step_and_each_test_has_its_row_on_the_sheets() {
    for exercise in ["udp-server", "udp-client", "tcp-server", "tcp-client"] {
        let read = |name: &str| fs::read_to_string(format!("{REPOSITORY}/{exercise}/{name}"));
        let tests = read("tests/steps.rs").expect("the exercise's tests");
        let [english, chinese] =
            ["README.md", "README.zh-CN.md"].map(|name| read(name).expect("the sheet"));
        let words = |text: &str| text.split(['(', ' ']).next().unwrap_or_default().to_owned();
        let steps = tests.split("\nmod ").skip(1).map(words);
        for step in steps.filter(|step| !step.ends_with("with_the_kernel")) {
            let row = format!("| `{step}` | ");
            assert!(english.contains(&row) && chinese.contains(&row), "{exercise} lacks {row}");
        }
        for test in tests.split("#[test]").skip(1) {
            let name = test.split("fn ").nth(1).map(words).expect("the test's name");
            assert!(chinese.contains(&format!("| `{name}` | ")), "{exercise}: {name} in Chinese");
        }
    }
}
