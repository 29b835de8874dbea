"""A receiver of alerts for the shows: one line of JSON on FILE for each request it takes.

usage: receiver.py FILE PORTFILE [STATUS]   STATUS: a file with the HTTP status to answer (else 200)
"""
import http.server
import json
import os
import socketserver
import sys
import threading


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 200
        if len(sys.argv) > 3 and os.path.exists(sys.argv[3]):
            status = int(open(sys.argv[3]).read())
        if status == 200:
            with open(sys.argv[1], "a") as out:
                line = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body), "raw": body.decode()}
                out.write(json.dumps(line) + "\n")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as one message needs."""

    def say(self, text):
        self.wfile.write((text + "\r\n").encode())

    def handle(self):
        self.say("220 receiver")
        while line := self.rfile.readline():
            word = line.decode().strip().upper()
            if word == "DATA":
                self.say("354 go on")
                text = b""
                while (more := self.rfile.readline()) != b".\r\n":
                    text += more
                with open(sys.argv[1], "a") as out:
                    out.write(json.dumps({"path": "mail", "raw": text.decode()}) + "\n")
                self.say("250 ok")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
mail = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
mail.daemon_threads = True
threading.Thread(target=mail.serve_forever, daemon=True).start()
with open(sys.argv[2] + ".new", "w") as ports:
    ports.write(f"{web.server_address[1]} {mail.server_address[1]}\n")
os.rename(sys.argv[2] + ".new", sys.argv[2])
web.serve_forever()
