"""The abuse guards: one result type, one place, shared by every door.

:mod:`.screen` looks at the number and the settings; :mod:`.counters` counts by IP, session, user and
number block in the cache; :mod:`.ledger` keeps a phone's cool-down, limits and lock; :mod:`.budgets` the
country's and the site's day. Each unit is reserved before the send and given back when it did not leave.
"""

from django_messagecentral.verification.guards.verdict import Ask, Refused, Verdict

__all__ = ["Ask", "Refused", "Verdict"]
