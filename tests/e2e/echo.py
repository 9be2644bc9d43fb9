"""A model server that says what it was told, in pieces, and remembers it.

As a program it listens on the port it is given. Standard library only: it runs where nothing of ours is.
"""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Echo:
    """`heard` are the bodies as they came. Paths that hold `fail` are not served: the answer quotes the body."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.url = ""
        self.fails = False

    def last(self) -> str:
        return str(self.heard[-1]["messages"][-1]["content"])


@contextmanager
def echoing(port: int = 0) -> Iterator[Echo]:
    """`GET /heard` tells the bodies, too."""
    echo = Echo()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(echo))
    server.daemon_threads = True
    echo.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield echo
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(echo: Echo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            del args

        def do_GET(self) -> None:
            listed = {"object": "list", "data": [{"id": "echo", "object": "model"}]}
            self._send(200, {"heard": echo.heard} if self.path == "/heard" else listed)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            echo.heard.append(body)
            text = body["messages"][-1]["content"] if "messages" in body else str(body.get("prompt", ""))
            if echo.fails:
                self._send(400, {"error": {"message": f"cannot take: {text}", "type": "invalid_request_error"}})
            elif body.get("stream"):
                self._stream(text)
            else:
                message = {"role": "assistant", "content": text}
                choice = {"index": 0, "message": message, "text": text, "finish_reason": "stop"}
                self._send(200, {"id": "x", "object": "chat.completion", "created": 1, "model": "echo",
                                 "choices": [choice]})  # fmt: skip

        def _send(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, text: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for at in range(0, len(text), 3):
                self._event({"index": 0, "delta": {"content": text[at : at + 3]}, "finish_reason": None})
            self._event({"index": 0, "delta": {}, "finish_reason": "stop"})
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True

        def _event(self, choice: dict[str, Any]) -> None:
            told = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "echo", "choices": [choice]}
            self.wfile.write(b"data: " + json.dumps(told).encode() + b"\n\n")

    return Handler


if __name__ == "__main__":
    with echoing(int(sys.argv[1])):
        threading.Event().wait()
