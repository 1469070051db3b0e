"""A message broker that a test starts for itself and may kill: never the one that everybody uses."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.own_servers import free_port

BROKER = os.environ.get("MESSAGECENTRAL_TEST_BROKER", "filesystem")
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one in the PATH insists on the system's own node
START_SECONDS = 60.0


def missing_program() -> str:
    """The chosen broker's program if it is not here."""
    if BROKER == "redis":
        return "" if shutil.which("redis-server") else "redis-server"
    return "" if BROKER == "filesystem" or os.path.exists(RABBITMQ) else RABBITMQ


class OwnBroker:
    """Redis without any file, or a RabbitMQ node with files of its own, on a port of its own."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="messagecentral-broker-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = {
            "redis": f"redis://127.0.0.1:{self._port}/0",
            "rabbitmq": f"amqp://guest:guest@127.0.0.1:{self._port}//",
        }[BROKER]

    def start(self) -> None:
        """Start, and wait until it listens."""
        command = [RABBITMQ]
        if BROKER == "redis":
            command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        with open(self._home / "log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._home,
                env=os.environ | self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError((self._home / "log").read_text(errors="replace")[-3000:])
            time.sleep(0.1)

    def _environment(self) -> dict[str, str]:
        home = self._home
        (home / "plugins").write_text("[].")
        return {
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"messagecentral{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(home / "none"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True

    def crash(self) -> None:
        """As a power cut ends it, all of its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.crash()
        shutil.rmtree(self._home, ignore_errors=True)
