"""A client of the bot list aggregator, in one file without dependencies, for
Python 3.8 or newer. Copy it beside your bot.

    from aggregator import Aggregator, Webhook

    aggregator = Aggregator("http://localhost:8080", key=os.environ["AGGREGATOR_KEY"])
    answer = aggregator.post(bot.user.id, len(bot.guilds))

Answers are what the API says, as dictionaries; /docs of your instance is its
reference. Calls wait for the answer: in a bot that is asynchronous make them as
await asyncio.to_thread(aggregator.post, bot.user.id, len(bot.guilds)). Objects
may be used by several threads at once.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import logging
import re
import socket
import threading
import time
import urllib.parse
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Type, Union

__all__ = ["Aggregator", "AggregatorError", "Webhook", "WebhookError"]

# Tokens by the id of the list that gave them. A list that numbers bots itself
# wants its number too, as "42:token" or {"token": …, "bot_id": "42"}.
Tokens = Mapping[str, Any]
ID = Union[str, int]
Answer = Dict[str, Any]

_AGENT = "aggregator-client/1 (Python)"


class AggregatorError(Exception):
    """Why the service did not do what was asked.

    status is the HTTP status, 0 when there was no answer; retry_after is after how
    many seconds to come again, None where the service did not say.
    """

    def __init__(self, message: str, status: int = 0, retry_after: Optional[float] = None):
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after = retry_after


class Aggregator:
    """An instance of the service.

    url is where it is, such as https://aggregator.example; key the bot's key, if
    it has one in bots.yaml; timeout how long a call may take in all, in seconds;
    user_agent what lists are told of you.
    """

    def __init__(self, url: str, key: Optional[str] = None, timeout: float = 30, user_agent: str = _AGENT):
        try:
            parts = urllib.parse.urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("url is no URL; want one such as http://localhost:8080") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must begin with http:// or https://")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("url must be without user, password, query and fragment")
        if key is not None and not re.fullmatch("[!-~]+", key):
            raise ValueError("the key is empty, or holds what cannot stand in a header")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._path = parts.path.rstrip("/")
        self._base = f"{parts.scheme}://{parts.netloc}{self._path}"
        self._timeout = timeout
        self._headers = {"Content-Type": "application/json", "User-Agent": user_agent}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"

    def __repr__(self) -> str:
        return f"Aggregator({self._base!r})"

    def post(
        self,
        bot_id: ID,
        server_count: int,
        tokens: Optional[Tokens] = None,
        *,
        shard_id: Optional[int] = None,
        shard_count: Optional[int] = None,
        shards: Optional[List[int]] = None,
        user_count: Optional[int] = None,
        voice_connections: Optional[int] = None,
        dry_run: bool = False,
    ) -> Answer:
        """Posts a server count to every list that has a token.

        The answer has success and failure: by the id of each list its status (-1
        where there was no answer), its text, and what was sent to it. It has skipped
        where a list was not asked, and why where an answer of good status was wrong.
        Tokens are not needed where the key's bot has them in bots.yaml. dry_run sends
        nothing, and returns what would be sent.
        """
        return self._ask(
            "POST",
            "/api/count" + ("?dry_run=1" if dry_run else ""),
            {
                "bot_id": str(bot_id),
                "server_count": server_count,
                "shard_id": shard_id,
                "shard_count": shard_count,
                "shards": shards,
                "user_count": user_count,
                "voice_connections": voice_connections,
                "tokens": tokens,
            },
        )

    def shards(
        self,
        bot_id: ID,
        shard_count: int,
        shards: Mapping[int, int],
        tokens: Optional[Tokens] = None,
        *,
        user_count: Optional[int] = None,
        voice_connections: Optional[int] = None,
        dry_run: bool = False,
    ) -> Answer:
        """Reports the server counts of the shards that this process has.

        The service adds up, and posts the total once it knows all shard_count of
        them. The answer has known, of, missing, server_count, posted and
        next_post_at, and what post returns when this report posted.
        """
        return self._ask(
            "POST",
            "/api/shards" + ("?dry_run=1" if dry_run else ""),
            {
                "bot_id": str(bot_id),
                "shard_count": shard_count,
                "shards": {str(shard): count for shard, count in shards.items()},
                "user_count": user_count,
                "voice_connections": voice_connections,
                "tokens": tokens,
            },
        )

    def voted(self, bot_id: ID, user_id: ID, tokens: Optional[Tokens] = None) -> Answer:
        """Asks all lists at once whether a user has voted.

        The answer has voted, whether at least one list says yes; lists, what each
        says; failure and skipped.
        """
        return self._ask("POST", f"/api/bots/{_segment(bot_id)}/votes/{_segment(user_id)}", {"tokens": tokens})

    def bot(self, bot_id: ID, tokens: Optional[Tokens] = None) -> Answer:
        """Reads what lists know of a bot.

        With tokens the lists that want one are asked too.
        """
        path = f"/api/bots/{_segment(bot_id)}"
        if tokens is None:
            return self._ask("GET", path)
        return self._ask("POST", path + "/lookup", {"tokens": tokens})

    def _ask(self, method: str, path: str, fields: Optional[Answer] = None) -> Answer:
        # A busy service has done nothing, and says when to come again: then the
        # request is sent once more. What ended in any other way may have reached
        # lists, and is not.
        body = None if fields is None else json.dumps(fields).encode()
        deadline = time.monotonic() + self._timeout
        try:
            return self._once(method, path, body, deadline)
        except AggregatorError as error:
            wait = error.retry_after
            if error.status != 503 or wait is None or time.monotonic() + wait >= deadline:
                raise
        time.sleep(wait)
        return self._once(method, path, body, deadline)

    def _once(self, method: str, path: str, body: Optional[bytes], deadline: float) -> Answer:
        left = max(deadline - time.monotonic(), 0.001)
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=left)
        # The timeout of a socket is for each read. That of the whole is a clock that
        # cuts it off.
        cut = threading.Timer(left, _cut, (connection,))
        cut.daemon = True
        cut.start()
        try:
            connection.request(method, self._path + path, body, self._headers)
            response = connection.getresponse()
            text = response.read()
            if time.monotonic() >= deadline:
                raise socket.timeout
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() >= deadline:
                raise AggregatorError(f"No answer from {self._base} within {self._timeout:g} s") from None
            raise AggregatorError(f"No answer from {self._base}: {str(error) or type(error).__name__}") from None
        finally:
            cut.cancel()
            connection.close()
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if response.status == 200 and isinstance(answer, dict):
            return answer
        raise _refusal(self._base, response, answer if isinstance(answer, dict) else {})


def _cut(connection: http.client.HTTPConnection) -> None:
    """Ends a connection for whoever waits for it."""
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _segment(id: ID) -> str:
    """Returns an id as a part of a path."""
    if not isinstance(id, (str, int)):
        raise TypeError("an id must be a string or an integer")
    return urllib.parse.quote(str(id), safe="")


def _refusal(base: str, response: http.client.HTTPResponse, answer: Answer) -> AggregatorError:
    """Returns the error that an answer stands for."""
    retry_after = answer.get("retry_after")
    if not isinstance(retry_after, (int, float)):
        header = response.getheader("Retry-After", "")
        retry_after = int(header) if re.fullmatch("[0-9]{1,9}", header) else None
    message = answer.get("message")
    if not isinstance(message, str):
        to = response.getheader("Location")
        why = "and not as the service does" if to is None else "which leads to " + re.split("[?#]", to)[0]
        message = f"{base} answered {response.status}, {why}: check the url"
    return AggregatorError(message, response.status, retry_after)


class WebhookError(Exception):
    """Why a webhook was not taken. status is what to answer with."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


_MAX_SEEN = 10_000

Vote = Dict[str, Any]


class Webhook:
    """Takes votes, which the service signs as Standard Webhooks says.

    secrets is send_to.secret of bots.yaml, several while you change it; max_body the
    largest body that is taken, in bytes.
    """

    def __init__(self, secrets: Union[str, List[str]], max_body: int = 1 << 20):
        self._keys = [_signing_key(secret) for secret in (secrets if isinstance(secrets, (list, tuple)) else [secrets])]
        if not self._keys:
            raise ValueError("a webhook needs a secret")
        self.max_body = max_body
        self._lock = threading.Lock()
        self._seen: "OrderedDict[str, bool]" = OrderedDict()  # whether it was handled, or is being handled

    def __repr__(self) -> str:
        return "Webhook(***)"

    def verify(self, headers: Mapping[str, str], body: bytes) -> Vote:
        """Returns the vote of a request, with its "id", if its signature is of one of
        the secrets and not older than five minutes.

        The id is the same at each attempt to deliver a vote. The body is the bytes as
        they came: JSON that was parsed and written anew has another signature. Raises
        WebhookError.
        """
        if not isinstance(body, (bytes, bytearray)):
            raise TypeError("the body must be the bytes as they came")
        given = {str(name).lower(): value for name, value in headers.items()}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            if not given.get(name):
                raise WebhookError(401, f"header {name} is missing")
        id, at = given["webhook-id"], given["webhook-timestamp"]
        if not re.fullmatch("[0-9]{1,12}", at):
            raise WebhookError(401, "header webhook-timestamp is no Unix time")
        message = f"{id}.{at}.".encode("utf-8", "replace") + body
        wanted = [b"v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()) for key in self._keys]
        signatures = [signature.encode("utf-8", "replace") for signature in given["webhook-signature"].split(" ")]
        if not any(hmac.compare_digest(signature, want) for signature in signatures for want in wanted):
            raise WebhookError(401, "no signature is of this secret and body")
        if abs(time.time() - int(at)) > 300:
            raise WebhookError(401, "the signature is good, but over five minutes off this clock")
        try:
            return {**json.loads(body), "id": id}
        except (ValueError, TypeError, RecursionError):
            raise WebhookError(400, "the body is no JSON object") from None

    def answer(self, method: str, headers: Mapping[str, str], body: bytes, handle: Callable[[Vote], Any]) -> Tuple[int, str]:
        """Answers a request, read whole, of any HTTP server: with a status and a text.

        handle gets the vote, in which "again" is whether this process has handled its
        id before. The service hears 204 once it has returned, and sends the vote again
        otherwise.
        """
        if method != "POST":
            return 405, "want POST"
        if len(body) > self.max_body:
            return 413, "the body is too large"
        try:
            vote = self.verify(headers, body)
        except WebhookError as error:
            return error.status, str(error)
        id = vote["id"]
        with self._lock:
            handled = self._seen.get(id)
            if handled is False:
                return 503, "the vote is being handled"
            self._seen[id] = False
        good = False
        try:
            handle({**vote, "again": handled is True})
            good = True
        except Exception:
            logging.getLogger("aggregator").exception("a vote was not handled")
        finally:
            with self._lock:
                if good or handled:
                    self._seen[id] = True
                else:
                    del self._seen[id]
                if len(self._seen) > _MAX_SEEN:
                    oldest = next((seen for seen, done in self._seen.items() if done), None)
                    self._seen.pop(oldest, None)
        return (204, "") if good else (500, "the vote was not handled")

    def handler(self, handle: Callable[[Vote], Any]) -> Type[BaseHTTPRequestHandler]:
        """Returns a handler for a server of the standard library, which takes votes at
        any path: ThreadingHTTPServer(("", 3000), webhook.handler(handle)).
        """
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10  # seconds for each read

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length") or ""
                if not re.fullmatch("[0-9]{1,12}", length):
                    self._say(411, "the length of the body is missing")
                elif int(length) > webhook.max_body:
                    self._discard(min(int(length), 1 << 20))
                    self._say(413, "the body is too large")
                else:
                    body = self.rfile.read(int(length))
                    if len(body) == int(length):  # or who called has gone
                        self._say(*webhook.answer("POST", self.headers, body, handle))

            def do_GET(self) -> None:
                self._say(405, "want POST")

            do_HEAD = do_PUT = do_PATCH = do_DELETE = do_GET

            def _discard(self, left: int) -> None:
                # Who is cut off while sending hears no answer.
                while left > 0:
                    piece = self.rfile.read(min(left, 16384))
                    if not piece:
                        break
                    left -= len(piece)

            def _say(self, status: int, text: str) -> None:
                self.send_response(status)
                if status == 405:
                    self.send_header("Allow", "POST")
                if status != 204:
                    self.send_header("Content-Type", "text/plain")
                    self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if status != 204 and self.command != "HEAD":
                    self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _signing_key(secret: str) -> bytes:
    """Returns the bytes that a secret stands for."""
    if not secret or secret == "whsec_":
        raise ValueError("the webhook's secret is empty")
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret[6:], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the webhook's secret begins with whsec_ and is no base64") from None
