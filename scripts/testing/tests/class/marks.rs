//! `grade.sh`: an honest class gets its marks; a program that attacks gets none and harms nobody.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testing::{
    ROOT, Test, is_running, run, script, succeeds, test, workspace_program, write_program,
};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    let needs = ["python3", "a sandbox"];
    vec![
        test("a class is marked, and no program harms another one", marks_a_class).needs(&needs),
        test("without a sandbox nothing is marked, or it is said", is_open_about_trust)
            .needs(&["python3"]),
    ]
}

/// The functions of `attacks.py`.
const ATTACKS: &str = "reads writes kills forges forks grows fills stays calls";

/// What the table says of students, in a line or a part of it.
const ROWS: [&str; 19] = [
    "\u{feff}student,udp-server,udp-client,tcp-server,tcp-client,\"programs, of 60\",notes\n",
    "乙,60,,,,9.0,not used: udp_server.sh\n",
    "甲,60,,,,9.0,udp-server: the same as 乙/udp-server/main.py\n",
    "丙,60,,,,9.0,udp-server: the same as this project's udp-server/tutorial.py\n",
    "丁,,,,,0.0,no program has the name of an exercise\n",
    "戊,,,0,,0.0,\"tcp-server: tcp-server.cpp cannot be started: hand in .py, .js,",
    "'=1+1,0,,,,0.0,\n",
    "shell,0,,,,0.0,\n",
    "compiles,100,,,,15.0,udp-server: the same as this project's udp-server/main.rs\n",
    "modules,0,,,,0.0,\n",
    "comments,0,,,,0.0,\n",
    "includes,0,,,,0.0,udp-server: it does not compile: error: couldn't read",
    "endless,0,,,,0.0,udp-server: it does not compile: stopped: it took longer than 20 seconds\n",
    "forks,0,,,,0.0,udp-server: stopped: ",
    "grows,0,,,,0.0,udp-server: stopped: its processes used more than 2000 MB of memory\n",
    "udp-server.py was not read: it is a link",
    "udp-client.py was not read: it is not a regular file",
    "tcp-client.py was not read: it is larger than 1 MB",
    "dangling,,,,,0.0,it is not a folder\n",
];

/// Writes a file of the class, which can be executed: its path.
fn put(class: &Path, name: &str, text: &str) -> PathBuf {
    let path = class.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the student's folder");
    write_program(&path, text);
    path
}

/// A file of this repository.
fn read(name: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{name}")).expect("a file of this repository")
}

fn marks_a_class() {
    let folder = tempfile::tempdir().expect("a new folder");
    let class = folder.path().join("class 班");
    let tutorial = read("udp-server/tutorial.py");
    let honest = tutorial.replace("while True:", "count = 0\nwhile True:");
    let renamed = honest.replace("text", "words").replace("count", "number  ");
    let tabs = honest.replace("server = ", "print('a\\tb', file=sys.stderr)\nserver = ");
    let secret = put(&class, "甲/udp_server.PY", &honest);
    put(&class, "乙/udp-server/main.py", &renamed);
    put(&class, "乙/udp_server.sh", "");
    put(&class, "丙/udp-server.py", &format!("# cargo run\n{tutorial}"));
    put(&class, "丁/notes.txt", "");
    put(&class, "戊/tcp-server.cpp", "int main() {}");
    put(&class, "tabs/udp-server.py", &tabs);
    put(&class, "=1+1/udp-server.sh", "#!/bin/sh\n");
    put(&class, "shell/udp-server.sh", "#!/bin/bash\n");
    put(&class, "compiles/udp-server.rs", &read("udp-server/src/main.rs"));
    put(&class, "modules/udp-server/src/main.rs", "mod helper;\nfn main() { helper::help() }");
    put(&class, "modules/udp-server/src/helper.rs", "pub fn help() {}");
    let comments = "/* ".repeat(200_000);
    put(
        &class,
        "comments/udp-server.rs",
        &format!("const A: &str = \"{comments}\";\nfn main() {{}}"),
    );
    let includes = format!("const A: &str = include_str!({secret:?});\nfn main() {{}}");
    put(&class, "includes/udp-server.rs", &includes);
    let endless = "#![allow(long_running_const_eval)]\nconst END: u64 = {
        let mut n = 0u64; while n != u64::MAX { n += 1 } n };\nfn main() { println!(\"{END}\") }";
    put(&class, "endless/udp-server.rs", endless);
    make_odd_folders(&class);
    let mark = format!("31{}.5", std::process::id()); // seconds that nobody else sleeps
    let listener = TcpListener::bind("127.0.0.1:0").expect("a server outside");
    let port = listener.local_addr().expect("its address").port();
    let known = format!("MARK, SECRET, PORT = '{mark}', {secret:?}, {port}\n");
    let attacks = read("scripts/testing/tests/attacks.py");
    for name in ATTACKS.split(' ') {
        put(&class, &format!("{name}/udp-server.py"), &format!("{known}{attacks}\n{name}()\n"));
    }

    let results = folder.path().join("grades");
    let grade = script("grade.sh", &[&class.to_string_lossy(), &results.to_string_lossy()]);
    let (status, stdout, stderr) = run(grade, "");
    assert_eq!(status, Some(0), "{stdout:?}{stderr:?}");
    let result = |name: &str| fs::read_to_string(results.join(name)).expect("a file of results");
    let found: Value = serde_json::from_str(&result("results.json")).expect("JSON");
    for student in found["students"].as_array().expect("the students") {
        let name = student["name"].as_str().expect("a name");
        let report = result(&format!("{name}.md"));
        let steps = student["results"]["udp-server"]["steps"].as_array().into_iter().flatten();
        let expected = match name {
            "甲" | "乙" | "丙" | "tabs" | "张三" => 60,
            "compiles" => 100,
            _ => 0,
        };
        assert_eq!(steps.filter_map(Value::as_u64).sum::<u64>(), expected, "{name}: {report}");
        assert!(!report.contains("LEAK"), "{name}: {report}");
    }
    let table = result("grades.csv").replace("\r\n", "\n");
    for row in ROWS {
        assert!(table.contains(row), "expected {row:?} in {table}");
    }
    let report = result("甲.md");
    assert!(report.contains("- ✓ 3. exit ends the server with status 0"), "{report}");
    assert!(report.contains("- ✗ 4. a datagram is shown whole"), "{report}");
    assert!(!is_running("cmdline", &mark), "a program is left");
    for place in ["/", "/tmp", "/dev", "/dev/shm", "/usr"] {
        let mut names = fs::read_dir(place).expect(place).flatten().map(|entry| entry.file_name());
        let is_left = names.any(|name| name.to_string_lossy().starts_with(&mark));
        assert!(!is_left, "a file is left in {place}");
    }
    assert_eq!(fs::read_to_string(&secret).expect("it is there"), honest);
}

/// Folders that students hand in by mistake, or to stop the grade.
fn make_odd_folders(class: &Path) {
    let odd = class.join("odd");
    fs::create_dir_all(odd.join("tcp-server.py")).expect("a folder with the name of a program");
    symlink("/nowhere", odd.join("udp-server.py")).expect("a dangling link");
    assert!(succeeds("mkfifo", &[&odd.join("udp-client.py").to_string_lossy()]), "a pipe");
    fs::write(odd.join("tcp-client.py"), vec![b'#'; 1_000_001]).expect("a large file");
    for end in ["a", "b"] {
        put(class, &format!("{}{end}/notes.txt", "😀".repeat(62)), "");
    }
    fs::create_dir_all(class.join("endless link/udp-server")).expect("a folder");
    symlink("/dev/zero", class.join("endless link/udp-server/main.py")).expect("a link");
    symlink("nowhere", class.join("dangling")).expect("a dangling link");
    let in_gbk = class.join(OsString::from_vec(b"\xd5\xc5\xc8\xfd".to_vec())); // 张三
    fs::create_dir(&in_gbk).expect("a folder from Windows");
    fs::write(in_gbk.join("UDP server.py"), read("udp-server/tutorial.py")).expect("a copy");
}

fn is_open_about_trust() {
    let folder = tempfile::tempdir().expect("a new folder");
    let class = folder.path().join("class");
    fs::create_dir_all(class.join("a")).expect("a student's folder");
    let own = workspace_program("udp-client").get_program().to_owned();
    fs::copy(own, class.join("a/udp-client")).expect("a program that is too large");
    let results = folder.path().join("grades");
    let [class, out] = [&class, &results].map(|path| path.to_string_lossy().into_owned());
    write_program(&folder.path().join("bwrap"), "#!/bin/sh\necho No permissions >&2\nexit 1\n");
    let path = std::env::var("PATH").expect("PATH");
    let mut grade = script("grade.sh", &[&class, &out]);
    grade.env("PATH", format!("{}:{path}", folder.path().display()));
    let (status, stdout, stderr) = run(grade, "");
    let said = stderr.join("\n");
    assert!(status == Some(1) && stdout.is_empty(), "{stdout:?}{said}");
    for part in ["no sandbox can be made: No permissions", "Install bubblewrap", "--trust"] {
        assert!(said.contains(part), "expected {part:?} in {said}");
    }

    assert!(!results.join("grades.csv").exists(), "there are no marks");

    let (status, _, stderr) = run(script("grade.sh", &["--trust", &class, &out]), "");
    if succeeds("sh", &["-c", "test $(id -u) = 0"]) {
        assert!(status == Some(1) && stderr[0].contains("not as root"), "{stderr:?}");
        return;
    }
    assert!(status == Some(0) && stderr[0].contains("can be forged"), "{stderr:?}");
    let table = fs::read_to_string(results.join("grades.csv")).expect("the table");
    assert!(table.contains("these marks can be forged"), "{table}");

    let (status, stdout, _) = run(script("grade.sh", &["--zh", "--trust", &class, &out]), "");
    assert!(status == Some(0) && stdout.concat().contains("沙箱"), "{stdout:?}");
}
