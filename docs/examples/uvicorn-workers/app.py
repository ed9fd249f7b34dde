# Any ASGI app: Starlette, FastAPI, Django's project.asgi:application.
with open("version") as file:
    VERSION = file.read().strip().encode()


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] == "/healthz":
        body = b"ok\n"
    headers = [(b"x-version", VERSION), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
