"""The plan's webhook server: `python webhook_server.py` under Flask's own server, `gunicorn webhook_server:app` under gunicorn.

Configured by the environment: BENCH_FOLDER, BENCH_COMMAND, BENCH_MODE, BENCH_NOTIFY, BENCH_PORT, WEBHOOK_SECRET.
"""

import logging
import os
import time

from flask import Flask, jsonify, request

from orchestrator import Orchestrator

app = Flask(__name__)
secret = os.environ["WEBHOOK_SECRET"]
orchestrator = Orchestrator(
    os.environ["BENCH_FOLDER"], [os.environ["BENCH_COMMAND"]], os.environ.get("BENCH_MODE", "required"),
    os.environ.get("BENCH_NOTIFY"),
)
began = time.monotonic()


@app.before_request
def verify_secret():
    if request.method == "POST" and request.get_json(silent=True, force=True).get("secret") != secret:
        return jsonify(status="error", message="Unauthorized"), 401


@app.post("/webhook/command")
def command():
    name = request.json["command"].lstrip("/").split()
    if name[0] == "start":
        return jsonify(status="ok", message=orchestrator.start(name[1]))
    if name[0] == "approve":
        return approve()
    if name[0] == "status":
        return status()
    return jsonify(status="error", message="Unknown command"), 400


@app.post("/webhook/status")
def status():
    return jsonify(orchestrator.get_status())


@app.post("/webhook/approve")
def approve():
    message = orchestrator.approve()
    if message is None:
        return jsonify(status="error", message="Nothing waits for approval"), 409
    return jsonify(status="ok", message=message)


@app.get("/health")
def health():
    return jsonify(status="ok", version="1.0", uptime=int(time.monotonic() - began))


if __name__ == "__main__":
    # Its line a request would go to a terminal that nobody reads.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app.run(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), threaded=True)
