"""Database servers that a test starts for itself and may kill: never the ones that everybody uses."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DATABASE = os.environ.get("MESSAGECENTRAL_TEST_DATABASE", "sqlite")
START_SECONDS = 60.0


def program(name: str) -> str:
    """Path of a server's program, or an empty string. Debian keeps PostgreSQL's out of the PATH."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: int(path.split("/")[4]))
    return shutil.which(name) or (found[-1] if found else "") or shutil.which(name, path="/usr/sbin") or ""


PROGRAMS = {
    "postgres": ("initdb", "postgres", "pg_dump", "psql"),
    "mariadb": ("mariadb-install-db", "mariadbd", "mariadb-dump", "mariadb"),
}


def missing_programs() -> list[str]:
    """What of the chosen database's own programs is not here."""
    return [name for name in PROGRAMS.get(DATABASE, ()) if not program(name)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dump(settings: dict[str, Any]) -> bytes:
    """A snapshot of the database of ``settings`` (Django's), taken while others write to it."""
    name, address = str(settings["NAME"]), _address(settings)
    if DATABASE == "postgres":
        command = [program("pg_dump"), *address, "--no-owner", name]
    else:
        command = [program("mariadb-dump"), *address, "--single-transaction", name]
    return subprocess.run(command, capture_output=True, check=True).stdout


def restore(snapshot: bytes, settings: dict[str, Any]) -> None:
    """Load a snapshot into the empty database of ``settings``."""
    name, address = str(settings["NAME"]), _address(settings)
    if DATABASE == "postgres":
        command = [program("psql"), *address, "-q", "-v", "ON_ERROR_STOP=1", "-d", name]
    else:
        command = [program("mariadb"), *address, name]
    subprocess.run(command, input=snapshot, capture_output=True, check=True)


def _address(settings: dict[str, Any]) -> list[str]:
    if DATABASE == "postgres":
        return ["-h", settings["HOST"], "-U", settings["USER"]]
    return [f"--host={settings['HOST']}", f"--user={settings['USER']}"]


class OwnServer:
    """A database server on a port of its own, with a data directory of its own that goes with it."""

    def __init__(self) -> None:
        # Root may not run either server, and pytest's own folders are closed to the users that may.
        self._user = {"postgres": "postgres", "mariadb": "mysql"}[DATABASE] if os.getuid() == 0 else None
        self._home = Path(tempfile.mkdtemp(prefix="messagecentral-server-"))
        self._data = self._home / "data"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(self._home, self._user)
        self._run(self._creation())

    def _creation(self) -> Sequence[str]:
        if DATABASE == "postgres":
            options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync"]
            return [program("initdb"), "-D", str(self._data), *options]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        return [program("mariadb-install-db"), "--no-defaults", f"--datadir={self._data}", *options]

    def _command(self) -> Sequence[str]:
        if DATABASE == "postgres":
            options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._home)]
            return [program("postgres"), "-D", str(self._data), *options]
        options = [f"--socket={self._home}/socket", "--bind-address=127.0.0.1", f"--port={self.port}"]
        return [program("mariadbd"), "--no-defaults", f"--datadir={self._data}", *options]

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, user=self._user, cwd=self._home, capture_output=True, check=False)
        assert not done.returncode, done.stderr.decode(errors="replace")[-2000:]

    def start(self) -> None:
        """Start, and wait until it answers."""
        with open(self._home / "log", "ab") as log:
            self._process = subprocess.Popen(
                self._command(), user=self._user, cwd=self._home, stdout=log, stderr=log
            )
        ends = time.monotonic() + START_SECONDS
        while not self._answers():
            died = self._process.poll() is not None
            if died or time.monotonic() > ends:
                raise RuntimeError((self._home / "log").read_text(errors="replace")[-3000:])
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except Exception as error:  # noqa: BLE001 - each driver has its own for "not yet"
            return "doesn't exist" in str(error)
        return True

    def execute(self, statement: str) -> None:
        """As the server's administrator, outside of any transaction."""
        server: Any
        if DATABASE == "postgres":
            import psycopg

            with psycopg.connect(
                host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True
            ) as server:
                server.execute(statement)  # type: ignore[arg-type]
        else:
            import MySQLdb

            server = MySQLdb.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=5)
            server.cursor().execute(statement)
            server.close()

    def stop(self) -> None:
        """As an administrator restarts it: sessions are cut, what was committed is on the disk."""
        self._end(signal.SIGINT if DATABASE == "postgres" else signal.SIGTERM)

    def crash(self) -> None:
        """As a power cut ends it, all of its processes."""
        self._end(signal.SIGQUIT if DATABASE == "postgres" else signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None

    def remove(self) -> None:
        self.crash()
        shutil.rmtree(self._home, ignore_errors=True)
