"""Reads and judges rows in a thread of its own, while the last chunk is on its way into the database.

The thread never touches the database: it hands finished chunks over and waits while one is not yet taken.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Self

from django.utils import translation

from django_messagecentral.campaigns.loading import Chunk
from django_messagecentral.campaigns.sheet.recipients import RowReader
from django_messagecentral.campaigns.sheet.rows import Sheet
from django_messagecentral.conf import app_settings

PROGRESS_SECONDS = 2.0  # a chunk is handed over at least this often, so that progress is live
AHEAD = 1  # chunks read and not yet taken
CHUNK_CHARACTERS = 8 * 1024 * 1024  # of the texts in a chunk: wide rows make smaller chunks, not more memory


class _Stopped(Exception):
    """Nobody wants the rest."""


class ChunkReader:
    """Chunks of the rows of ``sheet`` after row ``after``, which begins at ``offset``. Iterate it within its
    context; the thread ends with the context. What the reading raises, the iteration raises.
    """

    def __init__(self, sheet: Sheet, judge: RowReader, *, after: int, offset: int) -> None:
        self._sheet = sheet
        self._judge = judge
        self._after = after
        self._offset = offset
        self._language = translation.get_language()
        self._queue: queue.Queue[Chunk | BaseException | None] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="messagecentral-import", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._queue.get_nowait()
            except queue.Empty:
                self._thread.join(0.05)

    def __iter__(self) -> Iterator[Chunk]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        try:
            with translation.override(self._language):
                for chunk in self._chunks():
                    self._put(chunk)
            self._put(None)
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that iterates
            self._put(error)

    def _put(self, item: Chunk | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue
            return
        if isinstance(item, Chunk):
            raise _Stopped

    def _chunks(self) -> Iterator[Chunk]:
        most = app_settings.IMPORT_CHUNK_ROWS
        read = self._judge.read
        chunk, begun = Chunk(), time.monotonic()
        for row in self._sheet.rows(self._after, self._offset):
            chunk.add(row, read(row))
            if (
                chunk.rows_read >= most
                or chunk.characters >= CHUNK_CHARACTERS
                or (not chunk.rows_read % 100 and time.monotonic() - begun > PROGRESS_SECONDS)
            ):
                yield chunk
                chunk, begun = Chunk(), time.monotonic()
        if chunk.rows_read:
            yield chunk
