"""What the demo shows in the terminal."""

import time
from typing import TextIO


class Screen:
    """Headings, lines, and a progress bar that is redrawn on a terminal and written in tenths elsewhere."""

    WIDTH = 40

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._tenth = -1

    def heading(self, text: str) -> None:
        self._write(f"\n== {text}\n")

    def line(self, text: str = "") -> None:
        self._write(f"   {text}\n")

    def bar(self, done: int, total: int, note: str = "") -> None:
        share = done / total if total else 1.0
        if self._live:
            filled = int(share * self.WIDTH)
            self._write(f"\r   [{'#' * filled}{'.' * (self.WIDTH - filled)}] {done:,} / {total:,} {note:<30}")
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self.line(f"{share:4.0%}  {done:,} / {total:,} {note}")

    def end_bar(self) -> None:
        if self._live:
            self._write("\n")
        self._tenth = -1

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class Bound:
    """A stated bound on waiting."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._ends
