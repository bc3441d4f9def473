//! `scripts/calls.sh` and `scripts/packets.sh`: what happened between both sides, drawn.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use testing::{
    OF_THIS_REPOSITORY, UTF_8, build, has_tool, may_capture, path_of, run, scratch_folder, script,
    without_ports, write_program,
};

/// The scripts that have here what they need.
fn drawing_scripts() -> Vec<&'static str> {
    let mut scripts = Vec::new();
    if has_tool("python3") {
        scripts.extend(has_tool("strace").then_some("calls.sh"));
        scripts.extend(may_capture().then_some("packets.sh"));
    }
    scripts
}

/// Each report has what its filter looks at, and then, behind an empty line, what is drawn.
#[test]
fn the_stored_reports_are_drawn_as_they_should_be() {
    if !has_tool("python3") {
        return;
    }
    for (name, argument) in [("calls", "5003"), ("packets", "7911")] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/").to_owned() + name;
        let stored = fs::read_to_string(path).expect("the stored report");
        let (report, drawing) = stored.split_once("\n\n").expect("an empty line");
        let filter = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../{}.py"), name);
        let mut python = Command::new("python3");
        python.args(["-B", &filter, argument]).env("LC_ALL", "C");
        let (status, drawn, stderr) = run(python, format!("{report}\n"));
        assert_eq!((status, stderr), (Some(0), vec![]));
        assert_eq!(drawn, drawing.lines().collect::<Vec<_>>(), "{name}");
    }
}

/// The lines that are the same each time, sorted, as the order can differ. A call counts when it
/// returns; what is open when a program ends the kernel closes; an ACK comes alone or with data,
/// unless it leads the server to another state.
fn settled<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let differs = |line: &&str| {
        let is_lone_ack = line.contains("- ACK ") && line.ends_with('|');
        is_lone_ack || ["...", "close"].iter().any(|part| line.contains(part))
    };
    let returned = lines.map(|line| line.replacen("... ", "", 1));
    let mut settled: Vec<_> =
        returned.filter(|line| !differs(&line.as_str())).map(|line| without_ports(&line)).collect();
    settled.sort();
    settled
}

#[test]
fn the_sheets_show_what_is_drawn() {
    for name in drawing_scripts() {
        for kind in ["udp", "tcp"] {
            let (status, drawn, stderr) = run(script(name, &[kind]), "");
            assert_eq!((status, stderr), (Some(0), vec![]));
            for sheet in ["server/README", "server/README.zh-CN"] {
                let path = format!("{}/../../{kind}-{sheet}.md", env!("CARGO_MANIFEST_DIR"));
                let text = fs::read_to_string(&path).expect("the sheet is there");
                let command = format!("$ scripts/{name} {kind}\n");
                let (_, block) = text.split_once(&command).expect("the command on the sheet");
                let written = block.lines().take_while(|line| *line != "```");
                let drawn = drawn.iter().map(String::as_str);
                assert_eq!(settled(written), settled(drawn), "{kind}-{sheet}");
            }
        }
    }
}

/// The block on the page has the commands as well. They run in a folder with nothing but the scripts.
#[test]
fn the_page_on_sockets_shows_a_close_of_four_segments_that_is_drawn() {
    if !drawing_scripts().contains(&"packets.sh") {
        return;
    }
    build();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    for page in ["sockets.md", "sockets.zh-CN.md"] {
        let text = fs::read_to_string(format!("{root}/docs/{page}")).expect("the page");
        let mut blocks = text.split("```").filter(|block| block.contains("packets.sh tcp"));
        let block = blocks.find(|block| block.starts_with("text\n$ ")).expect("the commands");
        let (commands, written): (Vec<_>, Vec<_>) =
            block.lines().skip(1).partition(|line| line.starts_with("$ "));
        let folder = scratch_folder("four");
        symlink(format!("{root}/scripts"), folder.join("scripts")).expect("a link");
        let mut bash = Command::new("bash");
        bash.args(["-ec", &commands.join("\n").replace("$ ", "")]);
        bash.current_dir(&folder).env("LC_ALL", UTF_8).env(OF_THIS_REPOSITORY, "yes");
        let (status, drawn, stderr) = run(bash, "");
        fs::remove_dir_all(&folder).expect("the folder is there");
        assert_eq!((status, stderr), (Some(0), vec![]), "{page}");
        for line in ["四次挥手 four-way close", "FIN-WAIT-2  |<- ACK ack=6 "] {
            let is_there = |lines: &str| lines.lines().any(|drawn| drawn.starts_with(line));
            assert!(is_there(block) && is_there(&drawn.join("\n")), "{page}: {drawn:?}");
        }
        let drawn = drawn.iter().map(String::as_str);
        assert_eq!(settled(written.into_iter()), settled(drawn), "{page}");
    }
}

#[test]
fn a_message_that_fails_is_told_and_is_the_status() {
    for name in drawing_scripts() {
        let (status, stdout, stderr) = run(script(name, &["tcp", "😀"]), "");
        assert_eq!(status, Some(1), "{stdout:?}");
        assert!(stderr.join("\n").contains("U+1F600"), "{stderr:?}");
    }
}

#[test]
fn who_lacks_a_tool_is_told_how_to_install_it() {
    // A PATH with what each script has needed by then.
    let folder = scratch_folder("tools");
    for tool in ["bash", "dirname", "mkdir", "readlink", "rm"] {
        symlink(path_of(tool).expect("one of the basics"), folder.join(tool)).expect("a link");
    }
    for (name, tool) in [("calls.sh", "strace"), ("packets.sh", "tcpdump"), ("calls.sh", "python3")]
    {
        let mut command = script(name, &["udp"]);
        command.env("PATH", &folder);
        let (status, _, stderr) = run(command, "");
        assert_eq!(status, Some(1), "{stderr:?}");
        assert!(stderr.join("\n").contains(&format!("apt-get install {tool}")), "{stderr:?}");
        write_program(&folder.join(tool), "");
    }
    fs::remove_dir_all(&folder).expect("the links are there");
}

#[test]
fn who_may_not_capture_is_told_how_to() {
    if !may_capture() || !has_tool("python3") || !has_tool("setpriv") {
        return;
    }
    // Still root, so that everything can be read, but without the right.
    let plain = script("packets.sh", &["udp"]);
    let mut less = Command::new("setpriv");
    less.args(["--bounding-set=-net_raw,-net_admin", "--inh-caps=-all"]);
    less.arg(plain.get_program()).args(plain.get_args());
    let (status, _, stderr) = run(less, "");
    assert_eq!(status, Some(1), "{stderr:?}");
    assert!(stderr.join("\n").contains("sudo setcap"), "{stderr:?}");
}
