"""How many sends a second the sandbox takes with its callbacks, by wrk; and whether every callback came.

``python -m tests.sandbox.load.measure [seconds]``. The sandbox, the receiver of callbacks and wrk are three
processes of this machine; nothing is mocked. The receiver is a bare asyncio protocol, so that it is not the
limit. Prints one JSON line.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import requests

HERE = Path(__file__).parent
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver(asyncio.Protocol):
    """Answers 200 to each POST and counts it."""

    count = 0

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            found = re.search(rb"content-length: (\d+)", head.lower())
            length = int(found[1]) if found else 0
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            if head.startswith(b"GET"):
                body = str(Receiver.count).encode()
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            else:
                Receiver.count += 1
                self.transport.write(ANSWER)


async def receive() -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def start(*command: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline()


def main(seconds: int) -> None:
    receiver, port = start("tests.sandbox.load.measure", "--receive")
    hook = f"http://127.0.0.1:{port.strip()}/hook"
    sandbox, line = start(
        "django_messagecentral.sandbox", "--port", "0", "--callback-url", hook, "--callback-delay", "0.1",
        *sys.argv[2:],
    )  # fmt: skip
    try:
        found = re.search(r"http://[\d.:]+", line)
        assert found is not None, line
        base = found[0]
        key = base64.b64encode(b"sandbox").decode()
        token = requests.get(
            base + "/auth/v1/authentication/token",
            params={"customerId": "C-SANDBOX0000001", "key": key},
            timeout=5,
        ).json()["token"]
        wrk = subprocess.run(
            ["wrk", "-t2", "-c32", f"-d{seconds}s", "--latency", "-s", str(HERE / "sends.lua"), base],
            env=os.environ | {"TOKEN": token}, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        started = time.monotonic()
        while True:
            stats = requests.get(base + "/_sandbox/stats", timeout=30).json()
            if not stats["callbacks"]["pending"] and not stats["callbacks"]["posting"]:
                break
            time.sleep(0.1)
        drained = time.monotonic() - started
        received = int(requests.get(hook, timeout=5).text)
        sends = stats["sends"]["accepted"]
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", wrk)[1])
        print(wrk)
        print(json.dumps({
            "sends_a_second": rate, "seconds": seconds, "sends": sends, "callbacks_received": received,
            "callbacks_answered": stats["callbacks"]["answered"],
            "seconds_until_last_callback": round(drained, 2),
            "sends_and_callbacks_a_second": round(sends / (seconds + drained), 1),
            "ok": received == stats["callbacks"]["answered"] == stats["texts_received"] == sends,
        }))  # fmt: skip
    finally:
        for process in (sandbox, receiver):
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    if sys.argv[1:] == ["--receive"]:
        asyncio.run(receive())
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
