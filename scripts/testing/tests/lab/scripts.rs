//! What every script does with its command line, and how it ends.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use testing::{Program, ROOT, Test, is_running, path_of, run, script, signal, test, wait_until};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    let capture = ["the right to capture packets", "python3"];
    vec![
        test("a script shows its help, and refuses a wrong command line", help),
        test("a script can be called through a link, and from any folder", link),
        test("a script says how to install a tool that is missing", missing_tool),
        test("pair.sh leaves nothing after a signal", || signal_ends("pair.sh", &["tcp"])),
        test("load.sh leaves nothing after a signal", || {
            signal_ends("load.sh", &["tcp", "5", "1000000"])
        }),
        test("calls.sh leaves nothing after a signal", || signal_ends("calls.sh", &["tcp"]))
            .needs(&["strace", "python3"]),
        test("packets.sh leaves nothing after a signal", || signal_ends("packets.sh", &["tcp"]))
            .needs(&capture),
    ]
}

fn help() {
    // Command lines that are wrong, between bars.
    let talk = "|upd 你好|udp |tcp 你好 a\nb";
    let load = "|sctp|udp 0|tcp five|tcp 5 -1|tcp 5001 1|tcp 5000 2001|udp 5 20 third";
    for (name, arguments, wrong) in [
        ("pair.sh", "[udp|tcp] [MESSAGE...]", &talk[1..]),
        ("calls.sh", "udp|tcp [MESSAGE...]", talk),
        ("packets.sh", "[-w FILE] udp|tcp [MESSAGE...]", talk),
        ("load.sh", "udp|tcp [CLIENTS] [MESSAGES]", load),
        ("platforms.sh", "[FOLDER]", "-x|a b"),
        ("test.sh", "[ARGUMENT...]", ""), // cargo says what is wrong
    ] {
        let usage = format!("usage: scripts/{name} {arguments}");
        let (status, stdout, stderr) = run(script(name, &["--help"]), "");
        assert_eq!((status, &stdout[0], stderr), (Some(0), &usage, vec![]));
        for wrong in wrong.split_terminator('|') {
            let arguments: Vec<_> = wrong.split(' ').filter(|_| !wrong.is_empty()).collect();
            let (status, stdout, stderr) = run(script(name, &arguments), "");
            assert_eq!((status, stdout), (Some(2), vec![]), "{name} {wrong:?}");
            assert!(stderr[0].starts_with(&format!("{name}: ")), "{stderr:?}");
            assert_eq!(stderr[1..], [usage.as_str()], "{name} {wrong:?}");
        }
    }
}

fn link() {
    let folder = crate::scratch_folder();
    let folder = folder.path();
    symlink(format!("{ROOT}/scripts/pair.sh"), folder.join("first")).expect("a link");
    symlink("first", folder.join("second")).expect("a link to the link");
    let mut command = Command::new("bash");
    command.args(["second", "tcp", "你好"]).current_dir(folder);
    let (status, stdout, stderr) = run(command, "");
    assert_eq!((status, stdout.len(), stderr), (Some(0), 5, vec![]), "{stdout:?}");
}

fn missing_tool() {
    // A PATH with no more than each script needs until it misses the tool.
    let folder = crate::scratch_folder();
    for tool in ["bash", "dirname", "mktemp", "readlink", "rm"] {
        symlink(path_of(tool).expect("one of the basics"), folder.path().join(tool))
            .expect("a link");
    }
    for (name, tool) in [("calls.sh", "strace"), ("packets.sh", "tcpdump")] {
        let mut command = script(name, &["udp"]);
        command.env("PATH", folder.path());
        let (status, _, stderr) = run(command, "");
        let advice =
            format!("{name}: {tool} is missing; install it with: sudo apt-get install {tool}");
        assert_eq!((status, stderr), (Some(1), vec![advice]));
    }
}

/// A signal ends the script, its programs too, and its files are removed.
fn signal_ends(name: &str, arguments: &[&str]) {
    let folder = crate::scratch_folder();
    let folder = folder.path();
    let mut command = script(name, arguments);
    command.env("TMPDIR", folder);
    if name != "load.sh" {
        command.env("TCP_CLIENT", "tail -f /dev/null"); // never leaves
    }
    let mut program = Program::start(command);
    let environment = format!("TMPDIR={}\0", folder.display());
    wait_until("its server listens", || {
        let logs = fs::read_dir(folder).expect("the folder").flatten();
        let mut logs = logs.map(|work| fs::read_to_string(work.path().join("log")));
        logs.any(|log| log.is_ok_and(|log| log.contains("listening on")))
    });
    signal("TERM", program.id());
    assert_eq!(program.status().code(), Some(130));
    assert_eq!(fs::read_dir(folder).expect("the folder").count(), 0);
    wait_until("nothing that it started runs", || !is_running("environ", &environment));
}
