"""Gathers the admin classes of the rooms: Django looks for them here."""

from django_messagecentral.callbacks import admin as callbacks
from django_messagecentral.campaigns import admin as campaigns
from django_messagecentral.messaging import admin as messaging
from django_messagecentral.messaging import admin_costs as costs
from django_messagecentral.verification import admin as verification
from django_messagecentral.webhooks import admin as webhooks

__all__ = ["callbacks", "campaigns", "costs", "messaging", "verification", "webhooks"]
