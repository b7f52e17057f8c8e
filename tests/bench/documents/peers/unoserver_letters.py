"""unoserver: starts a daemon, then reads {"input", "output", "options"} on each line and answers "done"."""

import json
import pathlib
import subprocess
import sys
import time

from unoserver.client import UnoClient

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
daemon = subprocess.Popen(
    [sys.executable, "-m", "unoserver.server", "--port", str(port), "--uno-port", str(port + 1),
     "--user-installation", str(folder)],
    stdout=sys.stderr,
)
client = UnoClient(server="127.0.0.1", port=str(port))


def convert(order):
    client.convert(inpath=order["input"], outpath=order["output"], convert_to="pdf",
                   filtername="writer_pdf_Export", filter_options=order["options"])


try:
    for line in sys.stdin:
        order = json.loads(line)
        for patience in range(60, -1, -1):
            try:
                convert(order)
                break
            except ConnectionRefusedError:
                if patience == 0:
                    raise
                time.sleep(0.5)
        print("done", flush=True)
finally:
    daemon.terminate()
    daemon.wait()
