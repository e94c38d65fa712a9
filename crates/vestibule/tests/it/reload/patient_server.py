"""A server on its standard streams whose tool `wait` answers when a file appears. It writes its process id down."""

import json
import os
import sys
import threading
import time

directory = sys.argv[1]
with open(os.path.join(directory, "pid-%d" % os.getpid()), "w"):
    pass
lock = threading.Lock()


def answer(request, result):
    with lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
        sys.stdout.flush()


def call(request):
    if request["params"]["name"] == "wait":
        while not os.path.exists(os.path.join(directory, "go")):
            time.sleep(0.01)
    answer(request, {"content": [{"type": "text", "text": str(os.getpid())}]})


for line in sys.stdin:
    request = json.loads(line)
    if request.get("method") == "initialize":
        version = request["params"]["protocolVersion"]
        server = {"name": "patient", "version": "1"}
        answer(request, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server})
    elif request.get("method") == "tools/list":
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("wait", "pid")]
        answer(request, {"tools": tools})
    elif request.get("method") == "tools/call":
        threading.Thread(target=call, args=(request,), daemon=True).start()
