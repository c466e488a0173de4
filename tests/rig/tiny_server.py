"""A server that is ready at once and does as little as a launcher's test needs. Standard library only.

    python tiny_server.py --port PORT [--host ADDRESS] [--model NAME] [--die TEXT] [--unready] [--family FILE]

`GET /env` tells its environment and arguments; `--family` starts a grandchild in a session of its own that ignores
SIGTERM, and writes its id to FILE.
"""

import argparse
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--model", default="tiny")
parser.add_argument("--die")
parser.add_argument("--unready", action="store_true")
parser.add_argument("--family")
options = parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {
            "/health": {},
            "/version": {"version": "1.2"},
            "/v1/models": {"data": [{"id": options.model}]},
            "/env": {"env": dict(os.environ), "argv": sys.argv},
        }
        status = 503 if self.path == "/health" and options.unready else 200 if self.path in answers else 404
        body = json.dumps(answers.get(self.path, {})).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if options.die:
    sys.exit(options.die)
if options.family:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True, stdout=subprocess.PIPE)
    child.stdout.readline()
    Path(options.family).write_text(str(child.pid))
print("listening on", options.port, flush=True)
ThreadingHTTPServer((options.host, options.port), Handler).serve_forever()
