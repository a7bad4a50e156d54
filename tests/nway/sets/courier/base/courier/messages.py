"""Requests and responses."""

from urllib.parse import parse_qs, urlsplit


class Request:
    """What came in."""

    def __init__(self, method, url, headers=None, body=""):
        parts = urlsplit(url)
        self.method = method.upper()
        self.path = parts.path or "/"
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.body = body

    def __repr__(self):
        return f"<Request {self.method} {self.path}>"


class Response:
    """What goes out."""

    def __init__(self, status=200, body="", headers=None):
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def __repr__(self):
        return f"<Response {self.status}>"
