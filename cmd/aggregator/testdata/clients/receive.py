"""Takes votes with the client, and prints a line for each."""

import json
import logging
import os
import sys
import threading
from http.server import ThreadingHTTPServer

from aggregator import Webhook

logging.basicConfig(stream=sys.stdout, format="%(message)s")
webhook = Webhook(json.loads(os.environ["SECRETS"]), max_body=1000)
failed, released = threading.Event(), threading.Event()


def handle(vote):
    print(vote["type"], vote["id"] + (" again" if vote["again"] else ""), flush=True)
    user = vote["data"]["user_id"]
    if user == "fails once" and not failed.is_set():
        failed.set()
        raise RuntimeError("failed as it was told to")
    if user == "waits":
        released.wait()
    if user == "releases":
        released.set()


server = ThreadingHTTPServer(("127.0.0.1", 0), webhook.handler(handle))
print(f"listening on port {server.server_port}\n{webhook!r}", flush=True)
server.serve_forever()
