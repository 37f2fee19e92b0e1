"""`nevus serve` and `nevus up` as commands: what they refuse before they answer anybody, and TLS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from serve_process import ServeProcess, free_port, serve
from serving_factory import drawn, tiny_bundle
from tiny_run import nevus


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


def test_an_address_beyond_this_machine_needs_a_key(tmp_path, bundle):
    refused = nevus("serve", "--bundle", bundle, "--host", "0.0.0.0", "--port", free_port(), home=tmp_path / "home")
    assert refused.code == 2
    assert "nevus keys create" in refused.err
    made = nevus("keys", "create", "--role", "admin", "--name", "A", home=tmp_path / "home")
    key = made.out.strip()
    server = ServeProcess(tmp_path / "home", "--bundle", str(bundle), "--host", "0.0.0.0")
    try:
        server.wait_ready()
        request = urllib.request.Request(f"{server.url}/v1/me", headers={"Authorization": f"Bearer {key}"})
        assert json.load(urllib.request.urlopen(request))["name"] == "A"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{server.url}/v1/me")
    finally:
        assert server.stop() == 0


def test_a_home_with_another_secret_than_its_rows_is_refused_by_file_and_remedy(tmp_path, bundle):
    home, secret = tmp_path / "home", tmp_path / "home" / "secrets" / "pseudonyms.key"
    with serve(home, "--bundle", str(bundle)) as server:
        assert server.stop() == 0
    secret.write_text("ab" * 32)
    refused = nevus("serve", "--bundle", bundle, "--port", free_port(), home=home)
    said = " ".join(refused.err.split())
    assert (refused.code, str(secret) in said, "Put the right one back" in said) == (2, True, True)
    assert "Traceback" not in said


@pytest.mark.parametrize(("trusted", "each_their_own"), [("[]", False), ("[127.0.0.0/8]", True)])
def test_a_forwarded_address_counts_only_from_a_proxy_that_is_trusted(tmp_path, bundle, trusted, each_their_own):
    nevus("keys", "create", "--role", "admin", "--name", "A", home=tmp_path / "home")
    settings = ["--set", "refused_keys_per_minute=3", "--set", f"trusted_proxies={trusted}"]

    def status(forwarded):
        headers = {"Authorization": "Bearer wrong", "X-Forwarded-For": forwarded}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{server.url}/v1/me", headers=headers))
        return refused.value.code

    with serve(tmp_path / "home", "--bundle", str(bundle), *settings) as server:
        one = [status("203.0.113.1") for _ in range(4)]
        assert one == [401, 401, 401, 429]
        assert status("203.0.113.2") == (401 if each_their_own else 429)
        # What the client itself put in front of the proxy's word is not believed.
        assert status("198.51.100.7, 203.0.113.1") == 429


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "queu=3"], "Did you mean queue"),
        (["--set", "queue=none"], "serving.queue"),
        (["--set", "queue"], "KEY=VALUE"),
        (["--set", "tls_certificate=a.pem"], "tls_key"),
        (["--set", "trusted_proxies=[the-proxy]"], "serving.trusted_proxies"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path, bundle, arguments, said):
    refused = nevus("serve", "--bundle", bundle, *arguments, home=tmp_path / "home")
    assert refused.code == 2
    assert said in refused.err
    assert "Traceback" not in refused.err


def test_a_port_in_use_is_said(tmp_path, bundle):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        refused = nevus("serve", "--bundle", bundle, "--port", other.getsockname()[1], home=tmp_path / "home")
    assert refused.code == 2
    assert "in use" in refused.err
    assert "Traceback" not in refused.err


def test_up_without_a_model_says_how_to_get_one(tmp_path):
    refused = nevus("up", "--port", free_port(), home=tmp_path / "home")
    assert refused.code == 2
    assert "make demo" in refused.err
    refused = nevus("up", "--bundle", tmp_path / "nowhere", "--port", free_port(), home=tmp_path / "home")
    assert refused.code == 2
    assert "nowhere" in refused.err


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    """A folder with a certificate and its key, another key, one with a password, and no PEM at all."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("pems")
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
        " -keyout key.pem -out certificate.pem",
        "genrsa -out other.pem 2048",
        "ecparam -genkey -name prime256v1 -out curve.pem",
        "rsa -aes256 -passout pass:abc -in key.pem -out locked.pem",
    ):
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True, cwd=folder)
    (folder / "junk.pem").write_text("no PEM\n")
    return folder


@pytest.mark.parametrize(
    ("certificate", "key", "setting", "said"),
    [
        ("absent.pem", "key.pem", "tls_certificate: {}/absent.pem", "No such file"),
        ("certificate.pem", "absent.pem", "tls_key: {}/absent.pem", "No such file"),
        ("junk.pem", "key.pem", "tls_certificate: {}/junk.pem", "holds no certificate"),
        ("certificate.pem", "junk.pem", "tls_key: {}/junk.pem", "holds no private key"),
        ("key.pem", "certificate.pem", "tls_certificate: {}/key.pem", "holds no certificate"),
        ("certificate.pem", "other.pem", "tls_key: {}/other.pem", "is not the key of the certificate"),
        ("certificate.pem", "curve.pem", "tls_key: {}/curve.pem", "is not the key of the certificate"),
        ("certificate.pem", "locked.pem", "tls_key: {}/locked.pem", "password"),
        (".", "key.pem", "tls_certificate: {}", "directory"),
    ],
)
def test_wrong_files_for_tls_are_refused_by_setting_and_file(tmp_path, bundle, pems, certificate, key, setting, said):
    files = ["--set", f"tls_certificate={pems / certificate}", "--set", f"tls_key={pems / key}"]
    refused = nevus("serve", "--bundle", bundle, "--port", free_port(), *files, home=tmp_path / "home")
    assert refused.code == 2
    text = refused.err.replace("\n", "").replace(" ", "")  # the terminal breaks lines within names
    assert f"serving.{setting.format(pems)}".replace(" ", "") in text
    assert said.replace(" ", "") in text
    assert "Traceback" not in refused.err


def test_tls_by_setting(tmp_path, bundle, pems):
    files = ["--set", f"tls_certificate={pems / 'certificate.pem'}", "--set", f"tls_key={pems / 'key.pem'}"]
    server = ServeProcess(tmp_path / "home", "--bundle", str(bundle), *files)
    try:
        trust = ssl.create_default_context(cafile=str(pems / "certificate.pem"))
        url, ends = server.url.replace("http:", "https:"), time.monotonic() + 60
        while True:
            try:
                answer = urllib.request.urlopen(f"{url}/ready", context=trust)
                break
            except OSError:
                assert time.monotonic() < ends, server.said
                time.sleep(0.1)
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"] is None  # it would hold for the console on this machine too
        asked = urllib.request.Request(f"{url}/health", headers={"Host": "nevus.clinic.example"})
        told = urllib.request.urlopen(asked, context=trust).headers["Strict-Transport-Security"]
        assert told == "max-age=31536000"
    finally:
        server.stop()


@pytest.mark.slow  # starts the service and Streamlit
def test_up_starts_service_and_console_and_ends_both(tmp_path, bundle):
    port, console_port = free_port(), free_port()
    command = [sys.executable, "-m", "nevus", "up", "--home", str(tmp_path / "home"), "--bundle", str(bundle)]
    command += ["--port", str(port), "--console-port", str(console_port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"nevus is up: http://127.0.0.1:{console_port}\n"
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/predictions", data=drawn("nv"), headers={"Content-Type": "image/jpeg"}
        )
        assert json.load(urllib.request.urlopen(request))["verdict"]
        ends = time.monotonic() + 60
        while True:
            try:
                assert urllib.request.urlopen(f"http://127.0.0.1:{console_port}/_stcore/health").read() == b"ok"
                break
            except OSError:
                assert time.monotonic() < ends
                time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    for closed in (port, console_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", closed)) != 0
