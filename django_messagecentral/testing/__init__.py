"""What a site's own tests use: the pytest fixture ``messagecentral_outbox`` and assertions about it."""

from __future__ import annotations

from django_messagecentral.testing.assertions import (
    assert_code_sent,
    assert_counts_agree,
    assert_message_sent,
    assert_nothing_sent,
)

__all__ = ["assert_code_sent", "assert_counts_agree", "assert_message_sent", "assert_nothing_sent"]
