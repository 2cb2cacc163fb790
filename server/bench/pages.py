"""Pages of a benchmark, served on loopback, where a browser lets them use a camera; what they post is answered by the bench."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def open_pages(page: str, answers: Mapping[str, Answer], scripts: Path | None = None) -> Iterator[str]:
    """Yields the URL of `page`, which stands at every path but /js/, where `scripts` are. `answers` by path, in threads of their own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = scripts / self.path.removeprefix("/js/") if scripts else None
            if script and script.suffix == ".js" and script.is_file():
                self._answer("text/javascript", script.read_bytes())
            else:
                self._answer("text/html", page.encode())

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer("application/json", json.dumps(answers[self.path](asked)).encode())

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: standard error is for progress."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
