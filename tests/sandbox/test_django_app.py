"""The sandbox inside a Django project, and its refusal to be in a real one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ForeignClient

SITE = """
from django.urls import include, path
DEBUG = {debug}
SECRET_KEY = "x" * 50
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "site_settings"
INSTALLED_APPS = ["django_messagecentral.sandbox"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
MESSAGECENTRAL_SANDBOX = {options}
urlpatterns = [path("sandbox/", include("django_messagecentral.sandbox.urls"))]
"""


def site(folder: Path, *, debug: bool, options: object = None) -> dict[str, str]:
    (folder / "site_settings.py").write_text(SITE.format(debug=debug, options=repr(options or {})))
    root = str(Path(__file__).parents[2])
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "PYTHONPATH": f"{folder}:{root}",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def project(tmp_path: Path) -> Iterator[str]:
    environment = site(tmp_path, debug=True, options={"SEED": 5, "SETTINGS": {"callback_delay": 0.05}})
    command = [sys.executable, "-m", "django", "runserver", "127.0.0.1:0", "--noreload", "--skip-checks"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        seen = ""
        while "http://" not in seen:
            line = server.stdout.readline()
            assert line, seen
            seen += line
        port = _port_of(server.pid)
        yield f"http://127.0.0.1:{port}/sandbox"
        server.terminate()


def _port_of(pid: int) -> int:
    """runserver prints the port asked for (0), so the kernel is asked which one it got."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))
        if found:
            inodes.add(found[1])
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            return int(fields[1].split(":")[1], 16)
    raise AssertionError("the server listens nowhere")


def test_a_client_works_against_a_project_by_the_base_url_alone(project: str) -> None:
    client = ForeignClient(project)
    client.login()
    sent = client.otp(otpLength=6).json()
    (text,) = client.inbox()
    assert client.validate(sent["data"]["verificationId"], text["otp"]).json()["responseCode"] == 200
    client.control("config", {"callback_url": project + "/_sandbox/reset"})
    assert client.sms("9816111111").json()["responseCode"] == 200
    assert (
        client.http.get(f"{project}/_sandbox/wait?mobile=910000000000&timeout=0.3", timeout=5).status_code
        == 204
    )
    assert client.sms("7999000601").status_code == 200
    assert client.sms("7999000429").headers["Retry-After"] == "2"
    client.http.close()


def test_the_inbox_links_stay_under_where_it_is_mounted(project: str) -> None:
    client = ForeignClient(project)
    client.login()
    client.sms()
    page = client.http.get(project + "/_sandbox/", timeout=5)
    assert page.status_code == 200
    links = re.findall(r'(?:href|src|action)="([^"#]+)"', page.text)
    assert links
    assert all(link.startswith("/sandbox/_sandbox/") for link in links), links
    for link in set(links):
        if not link.endswith("/do"):
            assert client.http.get(project.removesuffix("/sandbox") + link, timeout=5).status_code == 200
    pressed = client.http.post(
        project + "/_sandbox/do",
        data={"action": "clear", "mobile": "919876543210"},
        timeout=5,
        allow_redirects=False,
    )
    assert pressed.headers["Location"] == "/sandbox/_sandbox/"
    assert client.inbox() == []
    client.http.close()


def _check(folder: Path, **options: object) -> subprocess.CompletedProcess[str]:
    environment = site(folder, **options)  # type: ignore[arg-type]
    return subprocess.run(
        [sys.executable, "-m", "django", "check"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_real_site_refuses_to_start_with_the_sandbox(tmp_path: Path) -> None:
    refused = _check(tmp_path, debug=False)
    assert refused.returncode != 0
    assert "although DEBUG is False" in refused.stderr
    assert _check(tmp_path, debug=False, options={"EVEN_WITHOUT_DEBUG": True}).returncode != 0
    words = {"EVEN_WITHOUT_DEBUG": "this site sends no real messages"}
    assert _check(tmp_path, debug=False, options=words).returncode == 0


def test_the_command_refuses_without_debug_and_beyond_loopback(tmp_path: Path) -> None:
    def run(*arguments: str, debug: bool) -> str:
        environment = site(
            tmp_path, debug=debug, options={"EVEN_WITHOUT_DEBUG": "this site sends no real messages"}
        )
        environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        code = (
            "import django, sys; from django.conf import settings; django.setup(); "
            f"settings.DEBUG = {debug}; from django.core.management import call_command; "
            f"call_command('messagecentral_sandbox', *{arguments!r})"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        return done.stderr

    assert "DEBUG is False" in run("127.0.0.1:0", debug=False)
    assert "--allow-remote" in run("0.0.0.0:0", debug=True)
    assert "host:port" in run("everywhere", debug=True)


def test_the_command_serves(tmp_path: Path) -> None:
    environment = site(tmp_path, debug=True) | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [
        sys.executable,
        "-m",
        "django",
        "messagecentral_sandbox",
        "127.0.0.1:0",
        "--even-without-debug",
        "--seed",
        "3",
    ]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://[\d.:]+", server.stdout.readline())
        assert found is not None
        with urllib.request.urlopen(found[0] + "/_sandbox/stats", timeout=5) as answer:
            assert answer.status == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
