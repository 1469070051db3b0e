"""Works off stored reports, as a Celery worker's child does, and says on one line of JSON what it took.

It begins when a line comes on its standard input and ends when no whole batch is due any more.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.scratch import configure

configure()

from django.db import connection  # noqa: E402

from django_messagecentral.callbacks import processing  # noqa: E402

statements = 0


def count(execute: Any, *arguments: Any) -> Any:
    global statements
    statements += 1
    return execute(*arguments)


def server_cpu() -> float | None:
    """Seconds of CPU of this connection's process of the database, where it has one on this machine."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    connection.ensure_connection()
    sys.stdin.readline()
    server_before, cpu_before, began = server_cpu(), time.process_time(), time.time()
    done = batches = 0
    with connection.execute_wrapper(count):
        while batch := processing.process_batch():
            done += batch
            batches += 1
            if batch < processing.BATCH:  # it has caught up with what is still coming
                break
    ended, cpu, server = time.time(), time.process_time() - cpu_before, server_cpu()
    figures = {"done": done, "batches": batches, "statements": statements, "began": began, "ended": ended}
    in_server = server - server_before if server is not None and server_before is not None else 0.0
    figures |= {"cpu": cpu, "server_cpu": in_server}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
