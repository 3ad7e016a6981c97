"""What stands between acmec and a CA: a TCP forwarder that counts and delays, an HTTPS proxy that fails.

The CA sees the Host that acmec sent, so the URLs it hands out lead through the same proxy.
"""
import asyncio
import base64
import http.client
import http.server
import json
import socket
import ssl
import struct
import threading
import time

from .ca import role_of
from .ports import free_port


class Forwarder:
    """TCP to 127.0.0.1:upstream. connections: how many were made. delay: seconds each way, so that the
    round trip is twice that. refuse(): as if the machine were gone; accept() brings it back."""

    def __init__(self, upstream, delay=0.0):
        self.upstream, self.delay = upstream, delay
        self.port = free_port()
        self.connections = 0
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = None
        self.accept()

    def url(self, path):
        return f"https://localhost:{self.port}{path}"

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def accept(self):
        async def start():
            self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._call(start())

    def refuse(self):
        async def close():
            self.server.close()
            for writer in list(self.writers):
                writer.transport.abort()
        self._call(close())

    async def _serve(self, reader, writer):
        self.connections += 1
        self.writers.add(writer)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
            self.writers.add(up_writer)
            await asyncio.gather(self._pump(reader, up_writer), self._pump(up_reader, writer))
            self.writers.discard(up_writer)
        except OSError:
            writer.transport.abort()
        finally:
            self.writers.discard(writer)

    async def _pump(self, reader, writer):
        def later(act, *args):
            if not writer.transport.is_closing():
                act(*args)
        try:
            while data := await reader.read(65536):
                self.loop.call_later(self.delay, later, writer.write, data)
        except OSError:
            pass
        self.loop.call_later(self.delay, later, writer.close)

    def stop(self):
        self.refuse()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Exchange:
    """One request as the proxy saw it. number: from 1. nth: from 1 within its role."""

    def __init__(self, number, nth, method, path, body):
        self.number, self.nth, self.method, self.path = number, nth, method, path
        self.role, self.body = role_of(path), body

    def payload(self):
        """What was signed: "" or an object; None for a request without a signature."""
        if not self.body:
            return None
        text = json.loads(self.body)["payload"]
        return json.loads(base64.urlsafe_b64decode(text + "==")) if text else ""


def _problem(status, kind, **headers):
    body = json.dumps({"type": f"urn:ietf:params:acme:error:{kind}", "detail": f"made up {kind}",
                       "status": status}).encode()
    return status, {"Content-Type": "application/problem+json",
                    **{name.replace("_", "-"): value for name, value in headers.items()}}, body


def _wrong(value):
    """The same JSON with every type exchanged."""
    if isinstance(value, dict):
        return {name: _wrong(member) for name, member in value.items()}
    if isinstance(value, list):
        return {"0": "not a list"}
    return 7 if isinstance(value, str) else "7"


def _wrong_types(body):
    try:
        return json.dumps(_wrong(json.loads(body))).encode()
    except ValueError:
        return b'{"status": 7}'


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):
        pass

    def _upstream(self, body):
        up = http.client.HTTPSConnection("localhost", self.server.upstream, timeout=20,
                                         context=ssl._create_unverified_context())
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in ("connection", "content-length")}
            up.request(self.command, self.path, body=body, headers=headers)
            reply = up.getresponse()
            drop = ("connection", "transfer-encoding", "content-length")
            kept = {name: value for name, value in reply.getheaders() if name.lower() not in drop}
            return reply.status, kept, reply.read()
        finally:
            up.close()

    def _fresh_nonce(self):
        up = http.client.HTTPSConnection("localhost", self.server.upstream, timeout=20,
                                         context=ssl._create_unverified_context())
        try:
            up.request("HEAD", "/nonce-plz", headers={"User-Agent": "fault-proxy"})
            return up.getresponse().getheader("Replay-Nonce")
        finally:
            up.close()

    def _reply(self, status, headers, body, length=None):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self):
        """As a cable that breaks: RST, not FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _flood(self, limit):
        """limit bytes, or without an end (0), until the client has had enough."""
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        if limit:
            self.send_header("Content-Length", str(limit))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        chunk, sent, end = b" " * 65536, 0, time.monotonic() + 60
        while (not limit or sent < limit) and time.monotonic() < end:
            self.wfile.write(chunk if limit else b"10000\r\n" + chunk + b"\r\n")
            sent += len(chunk)

    def _fail(self, fault, body):
        """fault: one of FaultProxy.FAULTS, or a function that changes (status, headers, body)."""
        if callable(fault):
            self._reply(*fault(*self._upstream(body)))
        elif fault == "lost":
            self._hang_up()
        elif fault == "lost-reply":
            self._upstream(body)
            self._hang_up()
        elif fault == "500":
            self._reply(*_problem(500, "serverInternal"))
        elif fault == "503":
            self._reply(503, {"Retry-After": "1"}, b"busy")
        elif fault == "429":
            self._reply(*_problem(429, "rateLimited", Retry_After="1"))
        elif fault == "429-long":
            self._reply(*_problem(429, "rateLimited", Retry_After="3600"))
        elif fault == "badNonce":
            self._reply(*_problem(400, "badNonce", Replay_Nonce=self._fresh_nonce()))
        elif fault == "50-MB":
            self._flood(50 << 20)
        elif fault == "endless":
            self._flood(0)
        else:
            self._spoil(fault, *self._upstream(body))

    def _spoil(self, fault, status, headers, body):
        """The CA's own reply, damaged."""
        if fault == "cut-off":
            body = body[:len(body) // 2]
        elif fault == "cut-connection":
            self._reply(status, headers, body[:len(body) // 2], length=len(body) + 1)
            self._hang_up()
            return
        elif fault == "malformed":
            body = b'{"status": "valid", nope'
        elif fault == "wrong-types":
            body = _wrong_types(body)
        elif fault == "no-headers":
            headers = {}
        else:
            raise ValueError(f"no such fault: {fault}")
        self._reply(status, headers, body)

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        fault = self.server.judge(self.command, self.path, body)
        if fault:
            self._fail(fault, body)
        else:
            self._reply(*self._upstream(body))

    do_GET = do_HEAD = do_POST = _serve


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients that hang up are what this is for


class FaultProxy:
    """fault(exchange): the word of a fault, a function on the reply, or None to pass it through.
    exchanges: all so far."""

    FAULTS = ("lost", "lost-reply", "500", "503", "429", "429-long", "badNonce", "cut-off",
              "cut-connection", "malformed", "wrong-types", "no-headers", "50-MB", "endless")

    def __init__(self, authority, fault=lambda exchange: None):
        self.fault, self.exchanges = fault, []
        self.lock = threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.certificate)
        self.port = free_port()
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.server.upstream, self.server.judge = authority.port, self._judge
        self.url = f"https://localhost:{self.port}/dir"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def _judge(self, method, path, body):
        with self.lock:
            role = role_of(path)
            nth = 1 + sum(1 for seen in self.exchanges if seen.role == role)
            exchange = Exchange(len(self.exchanges) + 1, nth, method, path, body)
            self.exchanges.append(exchange)
            return self.fault(exchange)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
