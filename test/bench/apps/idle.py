"""As small as a backend can be, so that fifty of them fit: it accepts connections and closes them."""
import os
import socket

path = os.environ.get("GRACEFUL_SOCKET")
if path:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
else:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
listener.listen(64)
while True:
    connection, _ = listener.accept()
    connection.close()
