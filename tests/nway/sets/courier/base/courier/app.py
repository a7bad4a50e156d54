"""Requests in, responses out: routes, middleware and errors."""

import json
import logging
import re

from courier.cache import Cache
from courier.messages import Request, Response

log = logging.getLogger("courier")

STATUS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


class HTTPError(Exception):
    """Ends a request with a status."""

    def __init__(self, status, message=""):
        super().__init__(message or STATUS.get(status, ""))
        self.status = status


class Route:
    """One pattern and what answers it."""

    def __init__(self, method, pattern, handler):
        self.method = method
        self.pattern = pattern
        self.handler = handler
        self.regex = compile_pattern(pattern)

    def match(self, path):
        """The values of the pattern's names, or None."""
        found = self.regex.fullmatch(path)
        return found.groupdict() if found else None


def compile_pattern(pattern):
    """``/users/<id>`` as a regular expression."""
    parts = re.split(r"<(\w+)>", pattern)
    out = ""
    for at, part in enumerate(parts):
        out += f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part)
    return re.compile(out)


class App:
    """Routes, and the functions that stand around them."""

    def __init__(self, cache_size=100):
        self.routes = []
        self.middleware = []
        self.cache = Cache(cache_size)

    def route(self, pattern, method="GET"):
        """Register a handler: ``@app.route("/users/<id>")``."""

        def register(handler):
            self.routes.append(Route(method, pattern, handler))
            return handler

        return register

    def use(self, function):
        """Add middleware: called with the request and the next handler."""
        self.middleware.append(function)
        return function

    def find(self, request):
        """The route of a request and its values; raises HTTPError."""
        allowed = []
        for route in self.routes:
            values = route.match(request.path)
            if values is None:
                continue
            if route.method == request.method:
                return route, values
            allowed.append(route.method)
        if allowed:
            raise HTTPError(405, f"allowed: {', '.join(allowed)}")
        raise HTTPError(404, f"nothing at {request.path}")

    def dispatch(self, request):
        """Call the handler of a request."""
        route, values = self.find(request)
        return self.to_response(route.handler(request, **values))

    def to_response(self, result):
        """What a handler gave, as a response."""
        if isinstance(result, Response):
            return result
        elif isinstance(result, str):
            return Response(200, result, {"Content-Type": "text/plain"})
        elif isinstance(result, (dict, list)):
            return Response(200, json.dumps(result), {"Content-Type": "application/json"})
        elif result is None:
            return Response(204)
        raise TypeError(f"cannot answer with {type(result).__name__}")

    def handle(self, request):
        """The response to a request; never raises."""
        handler = self.dispatch
        for function in reversed(self.middleware):
            handler = wrap(function, handler)
        try:
            response = handler(request)
        except HTTPError as error:
            response = Response(error.status, str(error))
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = Response(500, STATUS[500])
        return response

    def cached(self, seconds):
        """Keep a handler's answers by path: ``@app.cached(60)`` below ``@app.route``."""

        def decorate(handler):
            def answer(request, **values):
                key = request.path
                found = self.cache.get(key)
                if found is None:
                    found = self.to_response(handler(request, **values))
                    self.cache.put(key, found, seconds)
                return found

            return answer

        return decorate


def wrap(function, handler):
    """One function around a handler."""

    def wrapped(request):
        return function(request, handler)

    return wrapped
