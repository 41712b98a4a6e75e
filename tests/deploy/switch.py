#!/usr/bin/env python3
"""Replaces a server under a proxy, again and again, under load, and counts failed requests.

    switch.py SERVER [--proxy nginx|haproxy] [--switches N] [--control-switches N]

SERVER is target/debug/examples/deploy_server. Each switch starts the new server, waits until it
answers, reloads the proxy, and stops the old server at once: as a deploy script does it. A row
of the table is one way to stop the old server. Exit status 1 if the gate failed a request, if an
old server was not gone on time, or if a control failed none (the test would prove nothing then).
"""

import argparse
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

GRACE = 5.0  # deploy_server's
TOLERANCE = 10.0  # how late the end may be seen on a busy machine


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nginx:
    def __init__(self, folder, server_port):
        self.folder, self.port = folder, free_port()
        self.write(server_port)
        self.command = ["nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log", "-p", folder]
        self.process = subprocess.Popen(self.command)

    def write(self, server_port):
        f = self.folder
        temporary = "".join(
            f"{kind}_temp_path {f}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{f}/nginx.conf", "w") as conf:
            conf.write(f"""
daemon off; worker_processes 2; pid {f}/pid; error_log {f}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; {temporary}
    upstream app {{ server 127.0.0.1:{server_port}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{self.port};
        location / {{
            proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
""")

    def switch(self, server_port):
        self.write(server_port)
        subprocess.run(self.command + ["-s", "reload"], check=True, timeout=30)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Haproxy:
    def __init__(self, folder, server_port):
        self.folder, self.port = folder, free_port()
        self.write(server_port)
        self.process = subprocess.Popen(["haproxy", "-W", "-f", f"{folder}/haproxy.cfg"],
                                        stderr=subprocess.DEVNULL)

    def write(self, server_port):
        with open(f"{self.folder}/haproxy.cfg", "w") as conf:
            conf.write(f"""
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend web
    bind 127.0.0.1:{self.port}
    default_backend app
backend app
    server app 127.0.0.1:{server_port}
""")

    def switch(self, server_port):
        self.write(server_port)
        self.process.send_signal(signal.SIGUSR2)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)


class Server:
    def __init__(self, program, how):
        self.how, self.port = how, free_port()
        way = {"kill -9": "none", "SIGTERM": "none"}.get(how, how)
        self.process = subprocess.Popen([program, str(self.port), way], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        if self.process.stdout.readline() != b"ready\n":
            sys.exit(f"{program} did not start")

    def stop(self):
        self.stopped = time.monotonic()
        self.process.send_signal(signal.SIGKILL if self.how == "kill -9" else signal.SIGTERM)
        threading.Thread(target=self.reap, daemon=True).start()

    def reap(self):
        self.process.wait()
        self.lasted = time.monotonic() - self.stopped

    def verdict(self):
        """What is wrong with its end, if anything."""
        deadline = self.stopped + GRACE + TOLERANCE
        while not hasattr(self, "lasted"):
            if time.monotonic() > deadline:
                self.process.kill()
                return f"alive {GRACE + TOLERANCE} s after it was stopped"
            time.sleep(0.02)
        status = self.process.returncode
        if self.how == "deadstop" and status != 0:
            return f"status {status} instead of 0"
        if self.how == "hang" and (status != 124 or self.lasted < GRACE):
            return f"status {status} after {self.lasted:.2f} s instead of 124 after {GRACE} s"
        return None


class Load:
    """Clients that each send one request after another."""

    def __init__(self, port):
        self.port, self.over = port, threading.Event()
        self.lock = threading.Lock()
        self.sent, self.failed, self.why, self.reconnects = {}, {}, {}, 0
        kinds = [("new connection", self.fresh, "/")] * 2 + [("keep-alive", self.kept, "/")] * 2
        kinds += [("slow handler", self.kept, "/slow")] * 4 + [("event stream", self.events, "/events")] * 2
        self.threads = [threading.Thread(target=self.run, args=kind, daemon=True) for kind in kinds]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def run(self, kind, request, path):
        connection = None
        while not self.over.is_set():
            error = None
            try:
                connection = request(connection, path)
            except (OSError, http.client.HTTPException, AssertionError) as e:
                connection, error = None, f"{type(e).__name__} {e}"
            with self.lock:
                self.sent[kind] = self.sent.get(kind, 0) + 1
                if error:
                    self.failed[kind] = self.failed.get(kind, 0) + 1
                    self.why[error] = self.why.get(error, 0) + 1
            time.sleep(0.005)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def fresh(self, _, path):
        connection = self.connect()
        connection.request("GET", path, headers={"Connection": "close"})
        self.read(connection)
        connection.close()

    def kept(self, connection, path):
        if connection:
            # A proxy may close an idle connection at any time: clients try once more (RFC 9112,
            # 9.3.1), unless an answer has begun.
            try:
                connection.request("GET", path)
                response = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                with self.lock:
                    self.reconnects += 1
                connection = None
            else:
                return self.rest(connection, response)
        connection = self.connect()
        connection.request("GET", path)
        return self.rest(connection, connection.getresponse())

    def read(self, connection):
        self.rest(connection, connection.getresponse())

    @staticmethod
    def rest(connection, response):
        body = response.read()
        assert response.status == 200 and body in (b"page", b"slow page"), f"status {response.status}"
        return None if response.will_close else connection

    def events(self, _, path):
        """A stream must end with the last chunk, and not be cut off."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 "), answer[:20]
            while not answer.endswith(b"\r\n0\r\n\r\n"):
                more = connection.recv(4096)
                assert more, "cut off"
                answer = answer[-16:] + more
                if self.over.is_set():
                    return


def measure(program, proxy_type, how, switches):
    folder = tempfile.mkdtemp(prefix="deadstop-deploy-")
    try:
        server = Server(program, how)
        proxy = proxy_type(folder, server.port)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", proxy.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        load, old, problems = Load(proxy.port), [], []
        time.sleep(0.5)
        for _ in range(switches):
            new = Server(program, how)
            proxy.switch(new.port)
            server.stop()
            old.append(server)
            server = new
            time.sleep(0.6)
        time.sleep(0.5)
        load.stop()
        server.stop()
        problems = [problem for problem in (s.verdict() for s in old) if problem]
        server.verdict()
        proxy.stop()
        longest = max(s.lasted for s in old if hasattr(s, "lasted"))
        return load, problems, longest
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--proxy", choices=["nginx", "haproxy"], default="nginx")
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--control-switches", type=int, default=10)
    options = parser.parse_args()
    proxy = {"nginx": Nginx, "haproxy": Haproxy}[options.proxy]
    rows = [("kill -9", options.control_switches), ("SIGTERM", options.control_switches),
            ("framework", options.control_switches), ("deadstop", options.switches),
            ("hang", max(options.switches // 5, 1))]
    kinds = ["new connection", "keep-alive", "slow handler", "event stream"]
    print(f"{options.proxy}: failed requests of all")
    print(f"{'old server':<12} {'switches':>8}" + "".join(f"{kind:>18}" for kind in kinds)
          + f"{'reconnects':>12}{'gone after':>12}")
    wrong = []
    for how, switches in rows:
        load, problems, longest = measure(options.server, proxy, how, switches)
        cells = "".join(f"{load.failed.get(k, 0):>8} of {load.sent.get(k, 0):>6}" for k in kinds)
        print(f"{how:<12} {switches:>8}{cells}{load.reconnects:>12}{longest:>10.2f} s", flush=True)
        failed = sum(load.failed.values())
        if how in ("deadstop", "hang"):
            if failed:
                wrong.append(f"{how}: {failed} requests failed: {load.why}")
            wrong += [f"{how}: an old server: {problem}" for problem in problems]
        elif how != "framework" and not failed:
            wrong.append(f"{how}: no request failed, so the other rows prove nothing")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
