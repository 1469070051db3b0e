"""The command line: finds the sub-commands that are there and runs one."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import sys
from typing import Any, Protocol

# Sub-command -> module of this package. A module has HELP, add_arguments(parser) and run(options) -> figures.
# Figures with "passed": false end the command with exit code 1.
SUBCOMMANDS = {
    "import": "importing",
    "dispatch": "dispatch",
    "progress": "progress",
    "chaos": "chaos",
    "callbacks": "callbacks",
}


class Benchmark(Protocol):
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> dict[str, Any]: ...


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    found: dict[str, Any] = {}
    for name, module in SUBCOMMANDS.items():
        if importlib.util.find_spec(f"benchmarks.{module}") is None:
            continue
        found[name] = importlib.import_module(f"benchmarks.{module}")
        command = commands.add_parser(name, help=found[name].HELP, description=found[name].HELP)
        command.add_argument("--json", action="store_true", help="the last line is one JSON object")
        found[name].add_arguments(command)
    options = parser.parse_args()
    benchmark: Benchmark = found[options.command]
    before = os.getloadavg()[0]
    figures = benchmark.run(options)
    figures |= {"cores": os.cpu_count(), "load_before": round(before, 2)}
    for name, value in figures.items():
        print(f"{name:>28}: {value}")
    if options.json:
        print(json.dumps(figures))
    if figures.get("passed") is False:
        sys.exit(1)


if __name__ == "__main__":
    main()
