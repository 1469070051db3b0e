"""The sandbox's documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from django_messagecentral.sandbox import Config
from django_messagecentral.sandbox.answers import CODES
from django_messagecentral.sandbox.control import ControlApi
from django_messagecentral.sandbox.magic import TABLE
from django_messagecentral.sandbox.state import State

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.rst").read_text()


def test_every_magic_number_is_documented_as_it_is() -> None:
    rows = re.findall(r"\* - \+91 (\d{5}) (\d{5})\n     - ``(\w+)``\n     - (.*)", PAGE)
    assert [(first + last, does, says) for first, last, does, says in rows] == [
        (magic.national, magic.does, magic.says) for magic in TABLE
    ]


def test_every_setting_code_and_path_is_documented() -> None:
    for name in Config.__dataclass_fields__:
        assert re.search(rf"^{name} ", PAGE, re.MULTILINE), name
    for code, name in CODES.items():
        assert re.search(rf"^{code}\s+{name}\s", PAGE, re.MULTILINE), code
    for method, path in ControlApi(State(Config())).routes:
        assert f"{method} {path.lstrip('/')}" in PAGE or f"{method} /_sandbox{path}" in PAGE, path
