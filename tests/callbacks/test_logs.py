"""The secret in the webhook's path stays out of the logs, whoever writes them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from gunicorn.config import Config
from gunicorn.glogging import Logger

from django_messagecentral.callbacks.logs import MaskWebhookToken, mask_tokens
from tests.settings import WEBHOOK_TOKEN

PATH = f"/messagecentral/webhook/{WEBHOOK_TOKEN}/"


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(MaskWebhookToken())
    logger = logging.getLogger("tests.masked")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)


def test_django_and_uvicorn_pass_the_path_as_an_argument(log: Any) -> None:
    logger, stream = log
    logger.info('"%s" %s %s', f"POST {PATH} HTTP/1.1", 200, 17)
    logger.info('%s - "%s %s HTTP/%s" %d', "10.0.0.1", "POST", PATH, "1.1", 200)
    logger.info(f"whole path {PATH}")
    assert WEBHOOK_TOKEN not in stream.getvalue()
    assert stream.getvalue().count("[masked]") == 3
    assert '"POST /messagecentral/webhook/[masked]/ HTTP/1.1" 200 17' in stream.getvalue()


def test_gunicorns_access_log_keeps_its_other_fields(log: Any) -> None:
    logger, stream = log
    gunicorn = Logger(Config())
    atoms = {"h": "10.0.0.1", "r": f"POST {PATH} HTTP/1.1", "s": "200", "{user-agent}i": "vendor", "U": PATH}
    logger.info(
        '%(h)s "%(r)s" %(s)s %(U)s "%({User-Agent}i)s" "%({Referer}i)s"', gunicorn.atoms_wrapper_class(atoms)
    )
    assert stream.getvalue() == (
        '10.0.0.1 "POST /messagecentral/webhook/[masked]/ HTTP/1.1" 200 /messagecentral/webhook/[masked]/ '
        '"vendor" "-"\n'
    )


def test_a_wrong_token_is_somebodys_secret_too() -> None:
    assert mask_tokens("/mc/webhook/some-other-sites-token/") == "/mc/webhook/[masked]/"
    assert mask_tokens("/mc/webhook/ answered 403") == "/mc/webhook/ answered 403"


def test_the_log_of_a_refused_request_names_no_token(client: Client, log: Any) -> None:
    _logger, stream = log
    handler = logging.StreamHandler(stream)
    handler.addFilter(MaskWebhookToken())
    logging.getLogger("django.request").addHandler(handler)
    try:
        assert (
            client.post("/messagecentral/webhook/not-the-right-token/", "{}", "application/json").status_code
            == 403
        )
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    assert "[masked]" in stream.getvalue()
    assert "not-the-right-token" not in stream.getvalue()
