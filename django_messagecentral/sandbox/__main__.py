"""``python -m django_messagecentral.sandbox``: the sandbox alone, without a Django project."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
