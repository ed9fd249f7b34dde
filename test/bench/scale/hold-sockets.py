"""Opens so many unix sockets, as connections to a listener with a long name, says `held`, and keeps them until stdin ends."""
import resource
import socket
import sys

path, sockets = sys.argv[1], int(sys.argv[2])
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(128)
held = [listener]
while len(held) + 1 < sockets:
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    held += [client, listener.accept()[0]]
print("held", flush=True)
sys.stdin.read()
