# Any WSGI callable; Django's is project.wsgi:application.
with open("version") as file:
    VERSION = file.read().strip()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/healthz":
        body = b"ok\n"
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("X-Version", VERSION), ("Content-Length", str(len(body)))])
    return [body]
