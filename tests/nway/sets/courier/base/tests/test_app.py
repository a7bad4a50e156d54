import logging
import unittest

from courier import App, Cache, HTTPError, Request, Response


def make():
    app = App()

    @app.route("/")
    def index(request):
        return "index"

    @app.route("/users/<id>")
    def user(request, id):
        return {"id": id}

    @app.route("/users", method="POST")
    def create(request):
        return Response(201, request.body)

    @app.route("/broken")
    def broken(request):
        raise KeyError("x")

    return app


class AppTest(unittest.TestCase):
    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.app = make()

    def get(self, url, method="GET", **settings):
        return self.app.handle(Request(method, url, **settings))

    def test_text_and_json(self):
        self.assertEqual(self.get("/").body, "index")
        response = self.get("/users/7")
        self.assertEqual((response.status, response.body), (200, '{"id": "7"}'))
        self.assertEqual(response.headers, {"Content-Type": "application/json"})

    def test_methods(self):
        self.assertEqual(self.get("/users", "POST", body="x").status, 201)
        response = self.get("/users")
        self.assertEqual((response.status, response.body), (405, "allowed: POST"))

    def test_errors(self):
        self.assertEqual(self.get("/nowhere").status, 404)
        response = self.get("/broken")
        self.assertEqual((response.status, response.body), (500, "Internal Server Error"))

    def test_middleware_order(self):
        seen = []
        for name in "ab":
            self.app.use(lambda request, handler, name=name: (seen.append(name), handler(request))[1])
        self.get("/")
        self.assertEqual(seen, ["a", "b"])

    def test_cached(self):
        calls = []

        @self.app.route("/slow")
        @self.app.cached(60)
        def slow(request):
            calls.append(1)
            return "slow"

        self.assertEqual([self.get("/slow").body for _ in range(3)], ["slow"] * 3)
        self.assertEqual(len(calls), 1)


class CacheTest(unittest.TestCase):
    def setUp(self):
        self.now = 0
        self.cache = Cache(2, clock=lambda: self.now)

    def test_size(self):
        for key in "abc":
            self.cache.put(key, key.upper())
        self.assertEqual([self.cache.get(key) for key in "abc"], [None, "B", "C"])

    def test_age(self):
        self.cache.put("a", 1, seconds=5)
        self.now = 4
        self.assertEqual(self.cache.get("a"), 1)
        self.now = 5
        self.assertIsNone(self.cache.get("a"))


class RequestTest(unittest.TestCase):
    def test_parts(self):
        request = Request("get", "/a?x=1&x=2", {"Accept": "*/*"})
        self.assertEqual((request.method, request.path, request.query), ("GET", "/a", {"x": "2"}))
        self.assertEqual(request.headers, {"accept": "*/*"})


if __name__ == "__main__":
    unittest.main()
