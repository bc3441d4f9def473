//! `scripts/calls.sh` and `scripts/packets.sh`: what happened between both sides, drawn.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use testing::{OF_THIS_REPOSITORY, ROOT, Test, UTF_8, build, run, script, test, without_ports};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    let trace = ["strace", "python3"];
    let capture = ["the right to capture packets", "python3"];
    vec![
        test("calls.py draws the stored report", || stored_report("calls", &[])).needs(&trace[1..]),
        test("packets.py draws the stored report", || stored_report("packets", &["7911"]))
            .needs(&trace[1..]),
        test("the page shows what calls.sh draws", || page_shows("calls.sh", 2)).needs(&trace),
        test("the page shows what packets.sh draws", || page_shows("packets.sh", 1))
            .needs(&capture),
        test("calls.sh has the client's status", || failing_client("calls.sh")).needs(&trace),
        test("packets.sh has the client's status", || failing_client("packets.sh")).needs(&capture),
        test("packets.sh -w keeps the packets in a file", keeps_packets).needs(&capture),
        test("packets.sh says how to get the right to capture", no_right)
            .needs(&capture)
            .needs(&["setpriv"]),
    ]
}

/// A stored report has what the filter reads and then, after an empty line, what it draws.
fn stored_report(name: &str, arguments: &[&str]) {
    let stored = fs::read_to_string(format!("{ROOT}/scripts/testing/tests/reports/{name}"));
    let stored = stored.expect("the stored report");
    let (report, drawing) = stored.split_once("\n\n").expect("an empty line");
    let mut python = Command::new("python3");
    python.args(["-B", &format!("{ROOT}/scripts/{name}.py")]).args(arguments).env("LC_ALL", "C");
    let (status, drawn, stderr) = run(python, format!("{report}\n"));
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert_eq!(drawn, drawing.lines().collect::<Vec<_>>());
}

/// The lines that are the same each time, sorted, as their order can differ. A call counts when it
/// returns; the kernel closes what is open when a program ends; an ACK comes alone or with data,
/// unless it leads the server to another state.
fn settled<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let differs = |line: &str| {
        let is_lone_ack = line.contains("- ACK ") && line.ends_with('|');
        is_lone_ack || line.contains("...") || line.contains("close")
    };
    let returned = lines.map(|line| without_ports(&line.replacen("... ", "", 1)));
    let mut settled: Vec<_> = returned.filter(|line| !differs(line)).collect();
    settled.sort();
    settled
}

/// The page has that many blocks with a command and what it draws. The command finds the file late.py,
/// which stands on the page, and the scripts.
fn page_shows(script: &str, count: usize) {
    build();
    let page = fs::read_to_string(format!("{ROOT}/common/reports.md")).expect("the page");
    let folder = tempfile::tempdir().expect("a folder");
    symlink(format!("{ROOT}/scripts"), folder.path().join("scripts")).expect("a link");
    let (_, late) = page.split_once("```python\n").expect("late.py");
    let (late, _) = late.split_once("```").expect("its end");
    fs::write(folder.path().join("late.py"), late).expect("a file");

    let blocks = page.split("```text\n$ ").skip(1).filter_map(|block| block.split("```").next());
    let is_asked =
        |block: &&str| block.split('\n').next().is_some_and(|line| line.contains(script));
    let blocks: Vec<_> = blocks.filter(is_asked).collect();
    assert_eq!(blocks.len(), count);
    for block in blocks {
        let (command, written) = block.split_once('\n').expect("a command");
        let mut bash = Command::new("bash");
        // Without the files that this test may have inherited, the first socket is number 3.
        bash.args(["-c", &format!("exec 3>&- 4>&- 5>&- 6>&-; {command}")]);
        bash.current_dir(folder.path());
        bash.env("LC_ALL", UTF_8).env(OF_THIS_REPOSITORY, "yes");
        let (status, drawn, stderr) = run(bash, "");
        assert_eq!((status, stderr), (Some(0), vec![]), "{command}");
        assert_eq!(
            settled(drawn.iter().map(String::as_str)),
            settled(written.lines()),
            "{command}"
        );
    }
}

fn failing_client(name: &str) {
    let (status, stdout, stderr) = run(script(name, &["tcp", "😀"]), "");
    assert_eq!(status, Some(1), "{stdout:?}");
    assert!(stderr.concat().contains("U+1F600"), "{stderr:?}");
}

fn keeps_packets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("udp.pcap");
    let (status, drawn, stderr) =
        run(script("packets.sh", &["-w", &file.to_string_lossy(), "udp"]), "");
    assert_eq!((status, drawn.len(), stderr), (Some(0), 5, vec![]), "{drawn:?}");
    let kept = fs::read(file).expect("the file");
    let has = |part: &[u8]| kept.windows(part.len()).any(|bytes| bytes == part);
    assert!(has(b"\xc4\xe3\xba\xc3") && has(b"exit"), "{kept:?}");
}

fn no_right() {
    // Still root, so that it can read everything, but without the right.
    let script = script("packets.sh", &["udp"]);
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--bounding-set=-net_raw,-net_admin", "--inh-caps=-all"]);
    setpriv.arg(script.get_program()).args(script.get_args());
    let (status, _, stderr) = run(setpriv, "");
    assert_eq!(status, Some(1), "{stderr:?}");
    assert!(stderr.concat().contains("sudo setcap"), "{stderr:?}");
}
