//! `scripts/load.sh`: its table is true, and a loss is noticed.
#![cfg(unix)]

use std::path::Path;

use testing::{build_release, has_tool, run, script, workspace_program};

/// What the table says in the row of that name.
fn row<'a>(table: &'a [String], name: &str) -> &'a str {
    let value = table.iter().find_map(|line| line.strip_prefix(name));
    value.unwrap_or_else(|| panic!("expected a row {name:?} in {table:?}")).trim()
}

fn count(table: &[String], name: &str) -> u64 {
    row(table, name).parse().unwrap_or_else(|_| panic!("expected a number in {name:?}: {table:?}"))
}

#[test]
fn every_message_is_counted_on_both_sides() {
    build_release();
    for (kind, threads) in [("udp", "1"), ("tcp", "6")] {
        let (status, table, stderr) = run(script("load.sh", &[kind, "5", "20"]), "");
        assert_eq!((status, stderr), (Some(0), vec![]), "{table:?}");
        assert_eq!(row(&table, &format!("{kind} clients at once")), "5");
        for name in ["messages to send", "printed by the server", "answered "] {
            assert_eq!(row(&table, name), "100", "{name}: {table:?}");
        }
        assert!(count(&table, "answered per second") > 0, "{table:?}");
        if cfg!(target_os = "linux") {
            assert_eq!(row(&table, "threads of the server"), threads, "{table:?}");
            assert!(count(&table, "its peak memory, kB") > 500, "{table:?}");
            // A hundred messages are too few for the kernel's clock, which says so.
            assert!(row(&table, "its CPU per message, microseconds").starts_with("< "));
        }
    }
}

#[test]
fn a_server_that_dies_is_a_loss_and_told_at_once() {
    if !has_tool("timeout") {
        return;
    }
    build_release();
    for kind in ["udp", "tcp"] {
        let name = format!("{kind}-server");
        let server = workspace_program(&name);
        let mut load = script("load.sh", &[kind, "5", "1000000"]);
        load.current_dir(Path::new(server.get_program()).parent().expect("the server's folder"));
        load.env(format!("{}_SERVER", kind.to_uppercase()), format!("timeout -s KILL 2 ./{name}"));
        let (status, table, stderr) = run(load, "");
        assert_eq!(status, Some(1), "{stderr:?}");

        let (printed, answered) =
            (count(&table, "printed by the server"), count(&table, "answered "));
        assert!(0 < answered && answered <= printed && printed < 5_000_000, "{table:?}");
        let lost = format!(
            "load.sh: {} not printed, {} not answered, 5 clients failed; the server has ended",
            5_000_000 - printed,
            5_000_000 - answered
        );
        assert_eq!(stderr.last(), Some(&lost), "{stderr:?}");
        assert!(stderr.len() <= 4, "{stderr:?}");
    }
}
