"""Looks at the status page in headless Chromium, at desktop and phone width, light and dark.

usage: page_check.py URL STATUS_COMMAND OUT [TOKEN]
Fails when the page is wider than its screen, logs an error, asks anybody else, or shows a figure
that `tidemark status --json` (STATUS_COMMAND) of the same second does not say.
"""
import base64
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

url, status_command, out = sys.argv[1:4]
token = sys.argv[4] if len(sys.argv) > 4 else ""


class Page:
    """As much of the DevTools protocol as this needs."""

    def __init__(self, port):
        tabs = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
        path = next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"].split(str(port), 1)[1]
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        while self.file.readline().strip():
            pass
        self.number, self.events = 0, []

    def receive(self):
        text = b""
        while True:
            first, length = self.file.read(2)
            length &= 127
            if length == 126:
                (length,) = struct.unpack(">H", self.file.read(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self.file.read(8))
            text += self.file.read(length)
            if first & 128:
                return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        data = json.dumps({"id": self.number, "method": method, "params": parameters}).encode()
        mask = os.urandom(4)
        head = struct.pack(">BBH", 0x81, 0x80 | 126, len(data)) if len(data) < 65536 else struct.pack(">BBQ", 0x81, 0xFF, len(data))
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def run(self, script):
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")


def lookup(report, path):
    for part in path.split("."):
        report = report[int(part)] if isinstance(report, list) else report[part]
    return report


MOVING = ("lag", "rpo_actual", "ack_", "iops", "per_second", "breach", "free_bytes", "covered_share", "share_within")


def compare(page):
    """Figures that stand still are equal; those that move are as far apart as the moments allow."""
    report = json.loads(subprocess.check_output(status_command, shell=True))
    seen = page.run("[...document.querySelectorAll('[data-path]')].map(n => [n.dataset.path, n.dataset.value])")
    at = page.run("document.body.dataset.at")
    apart = abs(time.mktime(time.strptime(report["at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.mktime(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S")))
    wrong = []
    for path, shown in seen:
        said = lookup(report, path)
        if shown == "null" or said is None:
            if (shown == "null") != (said is None):
                wrong.append((path, shown, said))
        elif isinstance(said, str):
            wrong += [(path, shown, said)] if shown != said else []
        elif any(word in path for word in MOVING):
            if any(word in path for word in ("lag", "rpo_actual")) and abs(float(shown) - said) > apart + 3:
                wrong.append((path, shown, said))
        elif float(shown) != float(said):
            wrong.append((path, shown, said))
    return len(seen), wrong


profile = tempfile.mkdtemp()
listen = socket.socket()
listen.bind(("127.0.0.1", 0))
port = listen.getsockname()[1]
listen.close()
browser = subprocess.Popen(
    ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", f"--remote-debugging-port={port}", "--remote-allow-origins=*", "about:blank"],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(150):
        try:
            page = Page(port)
            break
        except (OSError, StopIteration):
            time.sleep(0.2)
    else:
        raise SystemExit("Chromium does not start")
    for domain in ("Runtime", "Log", "Network", "Page"):
        page.call(domain + ".enable")
    failed = False
    for name, width, height, scheme in (("desktop", 1280, 900, "light"), ("phone", 390, 844, "light"), ("phone-dark", 390, 844, "dark"), ("narrow", 320, 640, "light")):
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        if token:
            page.call("Page.navigate", url=url)
            time.sleep(1)
            page.run(f"sessionStorage.setItem('token', {json.dumps(token)})")
        page.call("Page.navigate", url=url)
        for _ in range(100):
            time.sleep(0.2)
            if page.run("document.body && document.body.dataset.at || ''"):
                break
        else:
            raise SystemExit(f"{name}: no figures came: {page.run('document.body.innerText')}")
        time.sleep(2.5)
        overflow = page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        cut = page.run("[...document.querySelectorAll('.card')].filter(n => n.scrollWidth > n.clientWidth + 1).length")
        count, wrong = compare(page)
        if wrong:  # something may have happened in between: once more
            time.sleep(2.5)
            count, wrong = compare(page)
        print(f"{name}: {count} figures, {len(wrong)} wrong, {overflow} px too wide, {cut} cards cut")
        for path, shown, said in wrong:
            print(f"  {path}: the page shows {shown}, status says {said}")
        failed = failed or bool(wrong) or overflow > 0 or cut > 0 or count < 40
        size = page.call("Page.getLayoutMetrics")["cssContentSize"]
        shot = page.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={"x": 0, "y": 0, "width": width, "height": size["height"], "scale": 1})
        with open(os.path.join(out, name + ".png"), "wb") as image:
            image.write(base64.b64decode(shot["data"]))
    for event in page.events:
        if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            print("the page says:", json.dumps(event["params"])[:300])
            failed = True
        asked = event.get("params", {}).get("request", {}).get("url", "")
        if asked and not asked.startswith((url, "data:")):
            print("the page asks", asked)
            failed = True
    sys.exit(1 if failed else 0)
finally:
    browser.terminate()
    browser.wait()
    subprocess.run(["rm", "-rf", profile], check=False)
