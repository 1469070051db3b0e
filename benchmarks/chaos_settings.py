"""Django's settings of the processes that ``chaos`` starts."""

from __future__ import annotations

from benchmarks.scratch import site_settings

globals().update(site_settings())
