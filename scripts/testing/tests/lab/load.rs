//! `scripts/load.sh`: its table is true, and it notices a loss.

use std::path::Path;

use testing::{Test, run, script, test, workspace_program};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    vec![
        test("load.sh counts every message on both sides", counts),
        test("load.sh names what was lost when the server dies", loss).needs(&["timeout"]),
    ]
}

/// What the table says in the row of that name.
fn row<'a>(table: &'a [String], name: &str) -> &'a str {
    let value = table.iter().find_map(|line| line.strip_prefix(name));
    value.unwrap_or_else(|| panic!("expected a row {name:?} in {table:?}")).trim()
}

fn counts() {
    for (kind, threads) in [("udp", "1"), ("tcp", "6")] {
        let (status, table, stderr) = run(script("load.sh", &[kind, "5", "20"]), "");
        assert_eq!((status, stderr), (Some(0), vec![]), "{table:?}");
        assert_eq!(row(&table, &format!("{kind} clients at once")), "5");
        for name in ["messages to send", "printed by the server", "answered "] {
            assert_eq!(row(&table, name), "100", "{name}: {table:?}");
        }
        let number = |name| row(&table, name).parse::<u64>().expect("a number");
        assert!(number("answered per second") > 0, "{table:?}");
        if cfg!(target_os = "linux") {
            assert_eq!(row(&table, "threads of the server"), threads, "{table:?}");
            assert!(number("its peak memory, kB") > 500, "{table:?}");
            assert!(number("its CPU per message, microseconds") < 10_000, "{table:?}");
        }
    }
}

fn loss() {
    let server = workspace_program("tcp-server");
    let mut load = script("load.sh", &["tcp", "5", "1000000"]);
    load.current_dir(Path::new(server.get_program()).parent().expect("its folder"));
    load.env("TCP_SERVER", "timeout -s KILL 2 ./tcp-server");
    let (status, table, stderr) = run(load, "");
    assert_eq!(status, Some(1), "{stderr:?}");
    let answered = row(&table, "answered ").parse::<u64>().expect("a number");
    assert!(0 < answered && answered < 5_000_000, "{table:?}");
    assert!(stderr[0].ends_with(&format!(", {} not answered", 5_000_000 - answered)), "{stderr:?}");
    assert_eq!(stderr.last().map(String::as_str), Some("load.sh: the server has ended"));
}
