"""A server on its standard streams that does what a test asks for, good or bad. The method says what."""

import json
import os
import socket
import subprocess
import sys
import time

held = []
cancelled = []
asked = []


def write(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(request, result):
    write({"id": request["id"], "result": result})


def initialize(request, params):
    time.sleep(float(os.environ.get("SLOW_START", "0")))
    version = os.environ.get("VERSION", params["protocolVersion"])
    answer(request, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "test", "version": "1"}, "asked": params})


def hold(request, params):
    """Answers nobody until there are `count` of them, then the last first."""
    held.append(request)
    if len(held) == params["count"]:
        while held:
            request = held.pop()
            answer(request, {"tag": request["params"]["tag"]})


def environment(request, params):
    own_group = os.getpgid(0) == os.getpid()
    answer(request, {"environment": dict(os.environ), "arguments": sys.argv[1:], "directory": os.getcwd(), "own_group": own_group, "pid": os.getpid()})


def grandchild(request, params):
    """Starts a process that ignores SIGTERM and holds a connection for as long as it lives."""
    program = """
import signal, socket, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(b"x")
time.sleep(600)
"""
    subprocess.Popen([sys.executable, "-c", program, str(params["port"])])
    answer(request, {"pid": os.getpid()})


def garbage(request, params):
    sys.stdout.write("Starting server...\n\n{\n[]\n7\n{\"jsonrpc\":\"2.0\",\"id\":%d,\"id\":0,\"result\":{}}\n" % request["id"])
    sys.stdout.buffer.write(b"\xff\xfe\x00\n")
    write({"id": 999_999, "result": {}})
    write({"id": "1", "result": {}})
    answer(request, {"kept": True})


def progress(request, params):
    for n in range(params.get("times", 2)):
        write({"method": "notifications/progress", "params": {"progressToken": params["_meta"]["progressToken"], "progress": n}})
    answer(request, {"token": params["_meta"]["progressToken"]})


def tell(request, params):
    write({"method": params["method"], "params": {"about": params.get("about")}})
    answer(request, {})


def ask(request, params):
    """Asks the client, and answers with its answer."""
    asked.append(request)
    write({"id": "mine", "method": params["method"], "params": {}})


def flood(request, params):
    """Asks and asks, and does not read the answers."""
    while True:
        write({"id": 1, "method": "ping"})


def last_words(request, params):
    answer(request, {"last": True})
    os._exit(0)


def unfinished(request, params):
    sys.stdout.write("x" * params["length"])
    sys.stdout.flush()


METHODS = {
    "initialize": initialize,
    "hold": hold,
    "environment": environment,
    "grandchild": grandchild,
    "garbage": garbage,
    "progress": progress,
    "tell": tell,
    "ask": ask,
    "flood": flood,
    "last_words": last_words,
    "unfinished": unfinished,
    "silence": lambda request, params: None,
    "cancelled": lambda request, params: answer(request, cancelled),
    "crash": lambda request, params: os._exit(1),
    "deaf": lambda request, params: time.sleep(600),
    "echo": lambda request, params: answer(request, params),
    "error": lambda request, params: write({"id": request["id"], "error": {"code": -1, "message": "no", "data": 1.50}}),
}

if "crash" in sys.argv:
    sys.exit(1)
sys.stderr.write("a line for the log\n")
for line in sys.stdin:
    message = json.loads(line)
    if "method" not in message:
        answer(asked.pop(), message)
    elif "id" in message:
        METHODS[message["method"]](message, message.get("params", {}))
    elif message["method"] == "notifications/cancelled":
        cancelled.append(message["params"]["requestId"])
