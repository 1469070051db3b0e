"""Why a spreadsheet as a whole cannot be used."""

from __future__ import annotations


class UnusableSheet(ValueError):
    """The file cannot be used. ``code`` is stable, the text says what to do and is shown to the operator."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
