#!/usr/bin/env python3
"""Listens at the path of a supervisor's socket, and answers as its second argument says."""
import json
import os
import socket
import sys
import threading
import time

path, manner = sys.argv[1:3]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(64)


def head(status="200 OK", more=""):
    return f"HTTP/1.1 {status}\r\n{more}\r\n".encode()


def forever(connection, chunk, pause=0.0):
    while True:
        connection.sendall(chunk)
        time.sleep(pause)


def supervisor(connection):
    body = json.dumps({"pid": os.getpid(), "retry": None}).encode()
    connection.sendall(head(more=f"Content-Length: {len(body)}\r\nConnection: close\r\n") + body)


def answer(connection):
    request = connection.recv(65536)
    if not request:
        return
    if manner == "silent":
        time.sleep(3600)
    elif manner == "hangs up":
        return
    elif manner == "rubbish":
        connection.sendall(os.urandom(4096))
    elif manner == "endless header":
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        forever(connection, b"X-More: " + b"x" * 1000 + b"\r\n")
    elif manner == "endless answer":
        connection.sendall(head(more="Connection: close\r\n"))
        forever(connection, b"x" * 65536)
    elif manner == "in drops":
        connection.sendall(head(more="Connection: close\r\n"))
        forever(connection, b" ", 0.2)
    elif manner == "not an object":
        connection.sendall(head(more="Content-Length: 4\r\nConnection: close\r\n") + b"null")
    elif manner == "another shape":
        body = b'{"pid":{"toString":1},"retry":{"attempts":"x"}}'
        connection.sendall(head(more=f"Content-Length: {len(body)}\r\nConnection: close\r\n") + body)
    elif b"GET /supervisor" in request:
        supervisor(connection)
    elif manner == "an operation without an answer":
        time.sleep(3600)
    elif manner == "an operation that is hung up":
        return
    elif manner == "an operation of rubbish":
        connection.sendall(head(more="Connection: close\r\n") + b"}{\n\0\0\n")
    elif manner == "an operation without end of line":
        connection.sendall(head(more="Connection: close\r\n"))
        forever(connection, b"x" * 65536)
    elif manner == "an operation of unknown events":
        line = b'{"event":{"type":"owned","slot":"z"}}\n{"event":{}}\n{"event":5}\n'
        connection.sendall(head(more="Connection: close\r\n") + line)
    elif manner == "an operation of unknown ends":
        connection.sendall(head(more="Connection: close\r\n") + b'{"outcome":{"operation":"owned"}}\n')
    elif manner == "an operation of unknown failures":
        connection.sendall(head(more="Connection: close\r\n") + b'{"failure":{"code":"owned","message":5}}\n')
    elif manner == "a refusal without end":
        connection.sendall(head("400 Bad Request", "Connection: close\r\n"))
        forever(connection, b"x" * 65536)


def serve(connection):
    try:
        answer(connection)
    except OSError:
        pass
    finally:
        connection.close()


print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
