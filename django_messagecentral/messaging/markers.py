"""Small facts that tasks leave in the database: when something last ran, how far a walk went."""

from __future__ import annotations

from django.utils import timezone

from django_messagecentral.messaging.models import Marker

UPKEEP = "upkeep"  # beat and a worker are alive


def read_marker(name: str) -> Marker:
    """The marker, or a fresh one that was never set."""
    return Marker.objects.filter(name=name).first() or Marker(name=name)


def set_marker(name: str, position: int = 0) -> None:
    """Leave it, with the present time."""
    Marker.objects.update_or_create(name=name, defaults={"position": position, "at": timezone.now()})
