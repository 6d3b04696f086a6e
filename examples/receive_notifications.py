#!/usr/bin/env python3
"""Takes the orchestrator's notifications without n8n, and prints each as one line of JSON.

    WEBHOOK_SECRET=… python3 receive_notifications.py [PORT]

Needs nothing but Python. Checks the signature as https://www.standardwebhooks.com describes it, and answers 2xx only to what
it has taken: anything else is sent again. A repetition has the same `id`, and is not printed twice.
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = os.environ["WEBHOOK_SECRET"]
KEY = base64.b64decode(SECRET[6:]) if SECRET.startswith("whsec_") else SECRET.encode()
TOLERANCE = 5 * 60  # seconds

seen = set()


def is_genuine(headers, body):
    identifier, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{identifier}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, given) for given in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_genuine(self.headers, body):
            return self.answer(401)
        notification = json.loads(body)
        if notification["id"] not in seen:
            print(json.dumps(notification, ensure_ascii=False), flush=True)
            seen.add(notification["id"])
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 5001), Receiver).serve_forever()
