"""Import of a spreadsheet, against two named peers in the same run:

* the limit: python-calamine and one bare COPY (one executemany elsewhere) into the same table, which judges
  nothing, formats nothing, and forgets everything when it dies;
* as people write it: openpyxl, phonenumbers, and one ``create()`` a row, measured on the first rows only.

Each runs in a process of its own, on an emptied table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import import_site as site
from benchmarks import sheets

HELP = "rows a second from an .xlsx into the database, against calamine + COPY and against a loop of create()"
DATABASE_NAME = "mc_bench_import"
FULL_SHEET = 1_048_575  # rows below the header


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=100_000, help=f"at most {FULL_SHEET:,}")
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument(
        "--hand-rows", type=int, default=2_000, help="rows of the hand-written loop; 0 leaves it out"
    )
    parser.add_argument("--database", choices=site.DATABASES, default="postgres")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The figures; times in seconds, memory in MiB, ``*_ratio``s as told in the documentation."""
    rows = min(options.rows, FULL_SHEET)
    with (
        tempfile.TemporaryDirectory(prefix="messagecentral-bench-") as folder,
        site.own_database(options.database, DATABASE_NAME) as database,
    ):
        sheet = str(Path(folder) / "list.xlsx")
        sheets.write(sheet, rows, options.columns)
        common = [options.database, database, folder, sheet]
        _contestant("migrate", *common)
        limit = _contestant("limit", *common)
        ours = _contestant("app", *common)
        by_hand = _contestant("hand", *common, str(options.hand_rows)) if options.hand_rows else None
    if ours["rows"] != rows:
        raise SystemExit(f"{ours['rows']} of {rows} rows arrived")
    figures = {
        "database": options.database,
        "rows": rows,
        "columns": options.columns,
        "seconds": ours["seconds"],
        "rows_per_second": round(rows / ours["seconds"]),
        "limit_seconds": limit["seconds"],
        "limit_read_seconds": limit["read_seconds"],
        "ratio_to_limit": round(ours["seconds"] / limit["seconds"], 2),
        "peak_mib": ours["peak_mib"],
        "limit_peak_mib": limit["peak_mib"],
        "cpu_us_per_row": ours["cpu_us_per_row"],
        "queries_per_1000_rows": round(1000 * ours["queries"] / rows, 2),
    }
    if by_hand:
        per_row = by_hand["seconds"] / by_hand["rows"]
        whole = by_hand["open_seconds"] + per_row * rows  # the shared texts are read once, however many rows
        figures |= {
            "handwritten_rows": by_hand["rows"],
            "handwritten_rows_per_second": round(1 / per_row),
            "handwritten_open_seconds": by_hand["open_seconds"],
            "ratio_to_handwritten": round(whole / ours["seconds"], 1),
        }
    return figures


def _contestant(name: str, *arguments: str) -> dict[str, Any]:
    """Run one contestant in a process of its own; what its last line says."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.importing_contestants", name, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {figures}", file=sys.stderr)
    return figures
