"""Makes the demo's spreadsheet: the vendor's sample format, with the faults that real lists have."""

from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook

NAMES = ("Asha", "Bhavesh", "Chitra", "Dev", "Esha", "Farhan", "Gauri", "Harsh", "Ishaan", "Jaya")


@dataclass(frozen=True)
class Sheet:
    """What was written, counted by the writer: the import must find the same."""

    path: Path
    rows: int
    rejected: int
    duplicates: int

    @property
    def recipients(self) -> int:
        return self.rows - self.rejected - self.duplicates


def mobile(index: int) -> str:
    """A valid Indian mobile number, national, the same for the same index."""
    return f"98{10_000_000 + index:08}"


def write_sheet(path: Path, rows: int) -> Sheet:
    """``rows`` rows below the header. From 20 rows on, seven of them have a fault (one of them harmless)."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Recipients")
    sheet.append(["Country", "Mobile", "var1", "var2", "var3"])
    faults = _faults(rows)
    for index in range(1, rows + 1):
        good = [91, mobile(index), NAMES[index % len(NAMES)], f"{index % 9000 + 100}.50", "24/11/2026"]
        sheet.append(faults.get(index, good))
    book.save(path)
    return Sheet(path, rows, rejected=5 if faults else 0, duplicates=1 if faults else 0)


def _faults(rows: int) -> dict[int, list[object]]:
    """Rows by position. The number with spaces is understood; the others are rejected or a repetition."""
    if rows < 20:
        return {}
    first = mobile(1)
    spaced = mobile(7)
    return {
        3: [91, "12345", "Bad number", "10", "24/11/2026"],
        5: [None, mobile(5), "No country", "10", "24/11/2026"],
        7: [91, f" {spaced[:5]} {spaced[5:]} ", "Typed with spaces", "10", "24/11/2026"],
        9: [91, first, "Twice in the list", "10", "24/11/2026"],
        11: [91, mobile(11), "=CONCATENATE(A2,B2)", "10", "24/11/2026"],
        13: ["Atlantis", mobile(13), "Unknown country", "10", "24/11/2026"],
        15: [91, mobile(15), "No balance", None, "24/11/2026"],
    }
