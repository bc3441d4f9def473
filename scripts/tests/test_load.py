"""`load.sh`: its table is true, and it notices the end of the server."""

import re
from pathlib import Path

from lab import program, run, test, write_program


def rows(table):
    """The rows of the table: the name and the number of each."""
    return {name: int(number) for name, number in re.findall(r"^(.*\S) {2,}(\d+)", "\n".join(table), re.M)}


@test()
def every_message_is_counted_on_both_sides():
    for kind, threads in ("udp", 1), ("tcp", 6):
        status, table, err = run("load.sh", kind, "5", "20")
        assert (status, err) == (0, []), (table, err)
        found = rows(table)
        assert found.pop(f"{kind} clients at once") == 5
        assert [found.pop(name) for name in ("messages to send", "printed by the server", "answered")] == [100] * 3
        assert found.pop("threads of the server") == threads
        assert found.pop("answered per second") > 0 and found.pop("its peak memory") > 500 and not found, table


@test("timeout")
def the_end_of_the_server_is_noticed():
    server = write_program(Path("server"), f"#!/bin/sh\nexec timeout -s KILL 1 '{program('tcp-server')}' \"$@\"\n")
    status, table, err = run("load.sh", "tcp", "5", "1000000", TCP_SERVER=str(server))
    assert (status, err[-1]) == (1, "load.sh: the server has ended"), err
    assert 0 < rows(table)["answered"] < 5_000_000, table
