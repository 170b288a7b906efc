"""The demo's journey, told as JSON: start, find, look at, take home, be refused. Run in a network of its own."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request


def get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def journey(deepfield: str) -> dict:
    try:
        urllib.request.urlopen("http://192.0.2.1/", timeout=3)
        network = True
    except OSError:
        network = False
    server = subprocess.Popen([deepfield, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line))).rstrip("/")
        started = time.monotonic()
        while (health := json.loads(get(f"{address}/health")))["status"] != "ok":
            time.sleep(0.2)
        ready = time.monotonic() - started
        public = json.loads(get(f"{address}/api/v1/observations?access=public&columns=obs_id&calib_level=3"))
        obs_id = public["data"]["obs_id"][0]
        products = json.loads(get(f"{address}/api/v1/observations/{obs_id}/products"))["products"]
        product = next(product for product in products if product["has_preview"])
        content = get(address + product["url"])
        exclusive = json.loads(get(f"{address}/api/v1/observations?access=exclusive&columns=main_product"))
        try:
            get(f"{address}/products/{exclusive['data']['main_product'][0]}")
            refusal = None
        except urllib.error.HTTPError as error:
            refusal = [error.code, json.loads(error.read())["error"]["type"]]
        return {
            "network": network,
            "health": health,
            "ready_after": ready,
            "total": json.loads(get(f"{address}/api/v1/status"))["observations"],
            "intact": hashlib.sha256(content).hexdigest() == product["sha256"],
            "size": [len(content), int(product["size"])],
            "preview": get(address + product["preview_url"])[:4].hex(),
            "refusal": refusal,
        }
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=30)
        sys.stderr.write(f"the server ended with {code}\n")


if __name__ == "__main__":
    os.environ.pop("http_proxy", None)
    print(json.dumps(journey(sys.argv[1])))
