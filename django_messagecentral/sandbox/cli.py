"""The command line, for ``python -m django_messagecentral.sandbox`` and the management command."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import sys
from typing import Any

from .config import DEFAULT_ACCOUNT, DEFAULT_PASSWORD, ConfigError
from .core import Sandbox
from .httpd import Connection, Waiters
from .record import Recorder
from .replay import ReplayError
from .server import Engine, build, is_loopback, open_socket, url_of
from .storage import StorageError

DEFAULT_PORT = 9000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that both doors share."""
    add = parser.add_argument
    add("--callback-url", help="post delivery callbacks to this address")
    add("--seed", type=int, help="make codes, ids, outcomes and delays repeat")
    add("--file", metavar="PATH", help="keep everything in this file, so that it survives a restart")
    add("--replay", metavar="PATH", help="give the answers of this recording first")
    add("--otp-timeout", type=float, metavar="SECONDS", help="how long a code lives (60)")
    add(
        "--profile",
        choices=("observed", "documented"),
        help="which wire to play where they differ (observed)",
    )
    add(
        "--account",
        action="append",
        metavar="CUSTOMER_ID:PASSWORD",
        help="accept this account; may be repeated",
    )
    add("--any-account", action="store_true", help="accept every customer id, key and unexpired token")
    add("--latency", type=float, metavar="SECONDS", help="how long a send's answer takes")
    add("--callback-delay", type=float, metavar="SECONDS", help="how long a delivery callback takes")
    add("--set", action="append", default=[], metavar="NAME=JSON", help="any setting of /_sandbox/config")
    add("--allow-remote", action="store_true", help="listen on an address other machines can reach")


def settings_from(options: dict[str, Any]) -> dict[str, Any]:
    """Settings for ``Config.changed`` from parsed options; raises ConfigError."""
    names = ("callback_url", "otp_timeout", "profile", "latency", "callback_delay")
    settings = {name: options[name] for name in names if options.get(name) is not None}
    if options.get("any_account"):
        settings["any_account"] = True
    if options.get("account"):
        accounts = {DEFAULT_ACCOUNT: DEFAULT_PASSWORD}
        for pair in options["account"]:
            customer, colon, password = pair.partition(":")
            if not colon or not customer:
                raise ConfigError("--account: use CUSTOMER_ID:PASSWORD")
            accounts[customer] = password
        settings["accounts"] = accounts
    for pair in options.get("set") or ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError("--set: use NAME=JSON")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings


def check_host(host: str, *, allow_remote: bool) -> None:
    """Refuse an address beyond loopback unless told otherwise; raises ConfigError."""
    if not is_loopback(host) and not allow_remote:
        raise ConfigError(
            f"{host} can be reached from other machines, and the sandbox shows codes to whoever asks: "
            "add --allow-remote if that is meant"
        )


def serve(host: str, port: int, options: dict[str, Any]) -> None:
    """Serve until SIGINT or SIGTERM; raises ConfigError, StorageError, ReplayError or OSError."""
    check_host(host, allow_remote=bool(options.get("allow_remote")))
    sandbox = build(
        settings_from(options),
        seed=options.get("seed"),
        file=options.get("file"),
        replay=options.get("replay"),
    )
    sandbox.loopback_only = not options.get("allow_remote")
    try:
        asyncio.run(_serve(sandbox, open_socket(host, port)))
    finally:
        if sandbox.state.journal is not None:
            sandbox.state.journal.close()


async def _serve(sandbox: Sandbox, sock: socket.socket) -> None:
    stop = _stop_on_signals()
    url = url_of(sock)

    def started() -> None:
        sys.stdout.write(
            f"Message Central sandbox at {url} (base URL for clients)\n"
            f"Inbox at {url}/_sandbox/ - account {DEFAULT_ACCOUNT}, password {DEFAULT_PASSWORD}\n"
        )
        sys.stdout.flush()

    await Engine(sandbox, sock).run(started, stop)


def record(host: str, port: int, file: str, target: str) -> int:
    """Record until SIGINT or SIGTERM; returns how many answers there are; raises ConfigError or OSError."""
    check_host(host, allow_remote=False)
    recorder = Recorder(file, target)
    try:
        asyncio.run(_record(recorder, open_socket(host, port)))
    finally:
        recorder.close()
    return recorder.count


async def _record(recorder: Recorder, sock: socket.socket) -> None:
    stop = _stop_on_signals()
    loop = asyncio.get_running_loop()
    connections: set[Connection] = set()
    server = await loop.create_server(lambda: Connection(recorder, Waiters(loop), connections), sock=sock)
    sys.stdout.write(f"Recording at {url_of(sock)} (base URL for clients)\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()
    for connection in tuple(connections):
        connection.close()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends asyncio.run there
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def main(arguments: list[str] | None = None) -> int:
    """``python -m django_messagecentral.sandbox``."""
    parser = argparse.ArgumentParser(prog="python -m django_messagecentral.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"port to listen on ({DEFAULT_PORT}; 0: a free one)"
    )
    add_arguments(parser)
    options = vars(parser.parse_args(arguments))
    try:
        serve(options["host"], options["port"], options)
    except KeyboardInterrupt:
        return 130
    except (ConfigError, StorageError, ReplayError, OSError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    return 0
