from courier.app import App, HTTPError
from courier.cache import Cache
from courier.messages import Request, Response

__all__ = [
    "App",
    "Cache",
    "HTTPError",
    "Request",
    "Response",
]
