"""A stand-in for vLLM over several nodes, which takes vLLM's arguments and computes nothing.

The leader begins to serve, by Assay's simulator, once its followers (`--headless`) have come to its `--master-port`, so
it needs all of its processes. It doesn't notice that one of them ended, as a server that waits for it forever. Each
prints one line of JSON about itself first; `--fail-rank` ends one of them with a message. `--simulate` are arguments of
the simulator.
"""

import argparse
import json
import os
import shlex
import socket
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--host")
parser.add_argument("--port")
parser.add_argument("--served-model-name")
parser.add_argument("--nnodes", type=int, required=True)
parser.add_argument("--node-rank", type=int, required=True)
parser.add_argument("--master-addr", required=True)
parser.add_argument("--master-port", type=int, required=True)
parser.add_argument("--headless", action="store_true")
parser.add_argument("--fail-rank", type=int)
parser.add_argument("--simulate", default="")
options, _ = parser.parse_known_args()


def lead() -> None:
    with socket.create_server(("", options.master_port)) as listener:
        followers = [listener.accept()[0] for _ in range(options.nnodes - 1)]
        print("followers:", len(followers), flush=True)
        command = [sys.executable, "-m", "assay.simulator", "--host", options.host, "--port", options.port]
        command += ["--model", options.served_model_name, *shlex.split(options.simulate)]
        subprocess.run(command, check=True)


def follow() -> None:
    while True:
        try:
            connection = socket.create_connection((options.master_addr, options.master_port))
        except OSError:
            time.sleep(0.1)
        else:
            break
    connection.recv(1)
    sys.exit("the leader is gone")


variables = {name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "VLLM_HOST_IP", "A")}
print(json.dumps({"pid": os.getpid(), "rank": options.node_rank, **variables, "argv": sys.argv[1:]}), flush=True)
if options.fail_rank == options.node_rank:
    sys.exit("no kernel image for this GPU")
if options.headless:
    follow()
lead()
