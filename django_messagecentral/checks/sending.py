"""How things leave the site: backends, channels, templates, countries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import phonenumbers
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from django_messagecentral.backends import load_backend_class
from django_messagecentral.backends.failover import FailoverBackend
from django_messagecentral.checks.base import Check, error, setting, warning
from django_messagecentral.client.codes import FlowType, MessageType
from django_messagecentral.conf import Settings


def check_backends(settings: Settings) -> Iterator[CheckMessage]:
    classes: dict[str, type] = {}
    for name, paths in (
        ("BACKEND", (settings.BACKEND,)),
        ("FAILOVER_BACKENDS", settings.FAILOVER_BACKENDS),
    ):
        for path in paths:
            try:
                classes[path] = load_backend_class(path)
            except ImproperlyConfigured as fault:
                yield error(
                    20,
                    f"{setting(name)}: {fault}.",
                    f'Write the dotted path of a backend, for example "{Settings().BACKEND}".',
                )
    chosen = classes.get(settings.BACKEND)
    if chosen is not None and issubclass(chosen, FailoverBackend):
        inner = [classes.get(path) for path in settings.FAILOVER_BACKENDS]
        if not inner or any(each is not None and issubclass(each, FailoverBackend) for each in inner):
            yield error(
                21,
                f"{setting('FAILOVER_BACKENDS')} is empty or holds a FailoverBackend itself.",
                "List the dotted paths of the backends to be tried, in order.",
            )


def check_words(settings: Settings) -> Iterator[CheckMessage]:
    channels = [("CHANNEL", settings.CHANNEL), *(("OTP_CHANNELS", each) for each in settings.OTP_CHANNELS)]
    for name, value in channels:
        if value not in FlowType.__members__:
            yield error(
                11,
                f"{setting(name)} has the unknown channel {value!r}.",
                f"Write one of {', '.join(FlowType.__members__)}.",
            )
    if settings.MESSAGE_TYPE not in MessageType.__members__:
        yield error(
            12,
            f"{setting('MESSAGE_TYPE')} is unknown: {settings.MESSAGE_TYPE!r}.",
            f"Write one of {', '.join(MessageType.__members__)}.",
        )


def check_templates(settings: Settings) -> Iterator[CheckMessage]:
    if bool(settings.TEMPLATE_ID) != bool(settings.ENTITY_ID):
        there, missing = (
            ("TEMPLATE_ID", "ENTITY_ID") if settings.TEMPLATE_ID else ("ENTITY_ID", "TEMPLATE_ID")
        )
        yield error(
            13,
            f"{setting(there)} is set without {setting(missing)}.",
            f"Set {missing} too, or neither: the vendor accepts both together only.",
        )
    if settings.OTP_TEMPLATE_ID and not settings.ENTITY_ID:
        yield error(
            13,
            f"{setting('OTP_TEMPLATE_ID')} is set without {setting('ENTITY_ID')}.",
            "Set ENTITY_ID too: the vendor accepts both together only.",
        )


def check_regions(settings: Settings) -> Iterator[CheckMessage]:
    regions = [("DEFAULT_REGION", settings.DEFAULT_REGION)] if settings.DEFAULT_REGION else []
    regions += [("ALLOWED_COUNTRIES", region) for region in settings.ALLOWED_COUNTRIES]
    for name, region in regions:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            yield error(
                15,
                f"{setting(name)} has the unknown region {region!r}.",
                f"Write ISO 3166 codes of two capital letters{_iso_of(region)}.",
            )
    if not settings.ALLOWED_COUNTRIES:
        yield warning(
            1,
            f"{setting('ALLOWED_COUNTRIES')} is empty: strangers can have codes sent anywhere at your cost.",
            'List the countries that you serve, for example ["IN", "AE"]: the cheapest defence there is.',
        )
    elif settings.DEFAULT_REGION and settings.DEFAULT_REGION not in settings.ALLOWED_COUNTRIES:
        yield warning(
            11,
            f"{setting('DEFAULT_REGION')} is not among {setting('ALLOWED_COUNTRIES')}.",
            "Numbers typed without a country code would all be refused. Add it.",
        )


def _iso_of(region: str) -> str:
    from django_messagecentral.countries import resolve_country

    found = resolve_country(region)
    return f', here "{found[1]}"' if found else ', for example "IN"'


def check_sending_enabled(settings: Settings) -> Iterator[CheckMessage]:
    if not settings.SENDING_ENABLED:
        yield warning(
            7,
            f"{setting('SENDING_ENABLED')} is False: no message leaves the site.",
            "Set it to True when the site may send again; what is queued then goes out.",
        )


def check_routing(settings: Settings) -> Iterator[CheckMessage]:
    from django_messagecentral.messaging.routing.policies import Routing, load_policy

    channels = settings.ROUTING_CHANNELS
    words = [name for name in FlowType.__members__ if name != "SAUTH"]
    for value in channels:
        if value not in words or channels.count(value) > 1:
            yield error(
                36,
                f"{setting('ROUTING_CHANNELS')} has {value!r}, which is unknown, or there twice.",
                f"Write some of {', '.join(words)}, each once.",
            )
            break
    try:
        found = load_policy(settings.ROUTING)
    except ImproperlyConfigured as fault:
        yield error(
            37,
            f"{setting('ROUTING')}: {fault}.",
            f"Write one of {', '.join(Routing.values)}, or the dotted path of a Policy of your own.",
        )
        return
    if (found.follows or found.chooses) and len(channels) < 2:
        yield error(
            38,
            f"{setting('ROUTING')} is {settings.ROUTING!r} with less than two {setting('ROUTING_CHANNELS')}.",
            'List the channels to choose from, in your order, for example ("WHATSAPP", "SMS").',
        )
    if settings.ROUTING_FALLBACK_AFTER and len(channels) < 2:
        yield warning(
            14,
            f"{setting('ROUTING_FALLBACK_AFTER')} is set without channels to go on by.",
            "List them in ROUTING_CHANNELS, or take the time away.",
        )


CHECKS: Final[tuple[Check, ...]] = (
    check_backends,
    check_words,
    check_templates,
    check_regions,
    check_routing,
    check_sending_enabled,
)
