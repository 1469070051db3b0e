"""Reads a rate table from an .xlsx: all of it, or none and every mistake by its row.

The first row names the columns, in any order and case: ``Country``, ``Channel``, ``Type``, ``Price``,
``Currency``, ``From segments``, ``Valid from``, ``Valid until``. Only ``Price`` is required; an empty cell
means "every one", the site's currency, the first segment, or no bound.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import IO, Any

import openpyxl
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from django_messagecentral.conf import MIB, app_settings
from django_messagecentral.countries import resolve_country
from django_messagecentral.db import in_transaction
from django_messagecentral.messaging.models import Channel, MessageType, Rate

MAX_BYTES, MAX_UNZIPPED, MAX_ROWS = 5 * MIB, 100 * MIB, 20_000
COLUMNS = {
    "country": "country",
    "channel": "channel",
    "flowtype": "channel",
    "type": "message_type",
    "message type": "message_type",
    "messagetype": "message_type",
    "price": "price",
    "rate": "price",
    "currency": "currency",
    "from segments": "from_segments",
    "valid from": "valid_from",
    "valid until": "valid_until",
}


class UnusableRates(ValueError):
    """The file is no rate table. The text says what to do."""


@dataclass(slots=True)
class RateSheet:
    """What a file holds: ``rates`` not stored yet, ``errors`` as (row in Excel, reason)."""

    rates: list[Rate] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)


def read_rates(file: IO[bytes]) -> RateSheet:
    """Read without storing anything. Raises :class:`UnusableRates`."""
    _check(file)
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever its parsers do
        raise UnusableRates(
            _("This is no Excel workbook that can be read. Save it as .xlsx again.")
        ) from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True) if book.worksheets else iter(())
        return _read(rows)
    finally:
        book.close()


@in_transaction(Rate)
def store(sheet: RateSheet, *, replace: bool = False) -> int:
    """Store a sheet without errors; with ``replace`` it is the whole table from now on. How many rates."""
    if sheet.errors:
        raise ValueError("a rate sheet with errors is not stored")
    if replace:
        Rate.objects.all().delete()
    return len(Rate.objects.bulk_create(sheet.rates, batch_size=500))


def _check(file: IO[bytes]) -> None:
    size = file.seek(0, 2)
    file.seek(0)
    if size > MAX_BYTES:
        raise UnusableRates(_("The file is larger than %(n)d MiB.") % {"n": MAX_BYTES // MIB})
    try:
        with zipfile.ZipFile(file) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise UnusableRates(_("This is no Excel workbook. Save the rates as .xlsx.")) from None
    finally:
        file.seek(0)
    if unzipped > MAX_UNZIPPED:
        raise UnusableRates(_("The workbook unpacks to more than is allowed."))


def _read(rows: Iterator[tuple[Any, ...]]) -> RateSheet:
    header = [" ".join(str(cell or "").split()).casefold() for cell in next(rows, ())]
    positions = {COLUMNS[name]: at for at, name in enumerate(header) if name in COLUMNS}
    if "price" not in positions:
        raise UnusableRates(
            _("The first row must name the columns; at least one must be called Price. It says: %(header)s")
            % {"header": ", ".join(filter(None, header)) or _("nothing")}
        )
    sheet = RateSheet()
    for number, cells in enumerate(rows, start=2):
        if number > MAX_ROWS:
            raise UnusableRates(_("The sheet has more than %(n)d rows.") % {"n": MAX_ROWS})
        if all(cell in (None, "") for cell in cells):
            continue
        values = {name: cells[at] if at < len(cells) else None for name, at in positions.items()}
        try:
            sheet.rates.append(_rate(values))
        except ValueError as error:
            sheet.errors.append((number, str(error)))
    if not sheet.rates and not sheet.errors:
        raise UnusableRates(_("The sheet has no rates below its first row."))
    return sheet


def _rate(values: dict[str, Any]) -> Rate:
    """Raises ``ValueError`` with a reason for a person."""
    texts = {name: "" if value is None else str(value).strip() for name, value in values.items()}
    since, until = _day(values.get("valid_from")), _day(values.get("valid_until"))
    if since and until and until < since:
        raise ValueError(_("It is valid until a day before it is valid from."))
    currency = (texts.get("currency") or app_settings.CURRENCY).upper()
    if len(currency) != 3 or not currency.isalpha():
        raise ValueError(_("%(value)s is no currency: write its three letters.") % {"value": currency})
    return Rate(
        country=_country(texts.get("country", "")),
        channel=_choice(texts.get("channel", ""), Channel.values),
        message_type=_choice(texts.get("message_type", ""), MessageType.values),
        price=_price(texts.get("price", "")),
        currency=currency,
        from_segments=_whole(texts.get("from_segments", "")),
        valid_from=since,
        valid_until=until,
    )


def _country(text: str) -> str:
    if not text or text == "*":
        return ""
    found = resolve_country(text.removesuffix(".0"))
    if found is None:
        raise ValueError(_("%(value)s is no country.") % {"value": text})
    return found[1]


def _choice(text: str, allowed: Sequence[str]) -> str:
    wanted = text.upper()
    if wanted in ("", "*", "ALL"):
        return ""
    if wanted not in allowed:
        raise ValueError(
            _("%(value)s is not one of %(allowed)s.") % {"value": text, "allowed": ", ".join(allowed)}
        )
    return wanted


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise ValueError(_("%(value)s is no price.") % {"value": text or _("an empty cell")}) from None
    if not price.is_finite() or price < 0 or price >= 1_000_000:
        raise ValueError(_("%(value)s is no price.") % {"value": text})
    return round(price, 6)


def _whole(text: str) -> int:
    try:
        number = Decimal(text or "0")
        if number < 0 or number != int(number):
            raise ValueError
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(_("%(value)s is no whole number.") % {"value": text}) from None
    return int(number)


def _day(value: Any) -> date | None:
    if value in (None, ""):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        day = parse_date(str(value).strip())
    except ValueError:  # well formed, and no day: 2026-02-30
        day = None
    if day is None:
        raise ValueError(_("%(value)s is no day: write it as 2026-12-31.") % {"value": value})
    return day
