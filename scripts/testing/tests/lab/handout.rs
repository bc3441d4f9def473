//! `handout.sh`: what the students' copy has, and what it does not have.

use std::fs;
use std::path::Path;
use std::process::Command;

use testing::{OF_THIS_REPOSITORY, Test, run, script, test};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    vec![
        test("the students' copy has skeletons and no answers", copy_has_no_answers)
            .needs(&["Linux", "python3"]),
    ]
}

fn copy_has_no_answers() {
    // Always the same folder, so that the second time cargo has little to build.
    let folder = Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/students' copy"));
    let copy = folder.join("lab 实验");
    let _ = fs::remove_dir_all(&copy);
    let path = copy.to_string_lossy().into_owned();
    let (status, stdout, stderr) = run(script("handout.sh", &[&path]), "");
    let answers = format!("{path}-answers.md");
    assert_eq!((status, &stdout), (Some(0), &vec![path.clone(), answers.clone()]), "{stderr:?}");
    let answers = fs::read_to_string(answers).expect("the answers");
    for exercise in ["udp-server", "udp-client", "tcp-server", "tcp-client"] {
        let program = fs::read_to_string(copy.join(exercise).join("src/main.rs"));
        assert!(program.is_ok_and(|text| text.contains("// Step 1:")), "{exercise}");
        assert!(copy.join("bin").join(exercise).exists(), "bin has no {exercise}");
        assert!(
            !copy.join(exercise).join("examples").exists(),
            "{exercise} has its skeleton twice"
        );
        for sheet in ["README.md", "README.zh-CN.md"] {
            let page = format!("{exercise}/{sheet}");
            let text = fs::read_to_string(copy.join(&page)).expect("the sheet");
            for part in ["<details>", "cargo run -q", "Why:*", "原因：*", "<summary>"] {
                assert!(!text.contains(part), "{page} has {part:?}");
            }
            for part in [">>> from socket import *\n", &format!("bin/{exercise}"), "<br><br>"] {
                assert!(text.contains(part), "{page} lacks {part:?}");
            }
            assert!(answers.contains(&format!("## {page}\n")), "the answers to {page} are missing");
        }
    }
    for gone in ["CONTRIBUTING.md", "scripts/grade.sh", "scripts/handout.py", "scripts/teacher.md"]
    {
        assert!(!copy.join(gone).exists(), "{gone}");
    }
    for page in pages(&copy) {
        let text = fs::read_to_string(&page).expect("a page");
        for part in ["grade.sh", "handout.sh", "platforms.sh", "teacher.md", "CONTRIBUTING.md"] {
            assert!(!text.contains(part), "{} names {part}, which is left out", page.display());
        }
    }
    let (status, _, stderr) = run(script("handout.sh", &[&path]), "");
    assert_eq!((status, stderr), (Some(1), vec![format!("handout.sh: {path} exists already")]));

    // There, `cargo test` runs the steps of the student's program, and the finished ones talk.
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet", "--locked", "-p", "udp-server", "--test", "steps", "step_1"]);
    cargo.current_dir(&copy).env("CARGO_TARGET_DIR", folder.join("target"));
    cargo.env(OF_THIS_REPOSITORY, "yes"); // it has time
    let (status, stdout, stderr) = run(cargo, "");
    let said = stdout.join("\n");
    assert!(
        status == Some(101) && said.contains("nothing is here yet that serves"),
        "{said}{stderr:?}"
    );
    let mut pair = Command::new("bash");
    pair.args(["scripts/pair.sh", "udp"]).current_dir(&copy).env(OF_THIS_REPOSITORY, "yes");
    let (status, stdout, stderr) = run(pair, "");
    assert_eq!(status, Some(0), "{stdout:?}{stderr:?}");
    assert!(!copy.join("target").exists(), "pair.sh has built what is in bin");
    let mut load = Command::new("bash");
    load.args(["scripts/load.sh", "tcp", "2", "3"]).current_dir(&copy);
    load.env("CARGO_TARGET_DIR", folder.join("target")).env(OF_THIS_REPOSITORY, "yes");
    let (status, stdout, stderr) = run(load, "");
    assert_eq!(status, Some(0), "{stdout:?}{stderr:?}");
}

/// The pages in a folder and the folders in it.
fn pages(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
    found
}
