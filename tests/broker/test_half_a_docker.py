"""A Docker daemon that answers but cannot bring the image is no broker: the local one is used instead."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ops.broker import BrokerError
from ops.broker.container import ContainerKafka

VERSION = {"ApiVersion": "1.43", "MinAPIVersion": "1.12", "Version": "24.0", "Os": "linux", "Arch": "amd64"}

MOOD = {"now": "refuses"}


class Daemon(BaseHTTPRequestHandler):
    """Answers what it is asked; about images, as `MOOD` says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "/images/" in self.path:
            self.about_the_image(404, {"message": "No such image"})
        else:
            self.answer(200, VERSION)

    def do_HEAD(self):
        self.answer(200, {})

    def do_POST(self):
        self.about_the_image(500, {"message": "Get https://registry.example/v2/: dial tcp: no such host"})

    def about_the_image(self, status, body):
        mood = MOOD["now"]
        if mood == "hangs" and self.command == "POST":
            time.sleep(5)
        elif mood == "drops" and self.command == "POST":
            self.close_connection = True
            self.connection.close()
        elif mood == "pulls nothing" and self.command == "POST":
            self.answer(200, {"errorDetail": {"message": "manifest unknown"}, "error": "manifest unknown"})
        elif mood == "is broken" or self.command == "POST":
            self.answer(500, body)
        else:
            self.answer(status, body)

    def answer(self, status, body):
        content = b"OK" if self.path.endswith("_ping") else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def daemon(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Daemon)
    MOOD.clear()
    MOOD["now"] = "refuses"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
    monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("mood", ["refuses", "drops", "hangs", "pulls nothing", "is broken"])
def test_a_daemon_that_cannot_bring_the_image_is_no_broker(daemon, monkeypatch, mood):
    monkeypatch.setattr("ops.broker.container.ANSWER_TIMEOUT", 1)
    MOOD["now"] = mood
    with pytest.raises(BrokerError, match=r"apache/kafka"):
        ContainerKafka().__enter__()


def test_credentials_that_cannot_be_read_are_no_broker_either(daemon, monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "no-such-helper"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(BrokerError, match=r"apache/kafka"):
        ContainerKafka().__enter__()
