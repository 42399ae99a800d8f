"""A small server on 127.0.0.1 that speaks what OSMnx asks of Nominatim and Overpass.

It evaluates the queries that OSMnx really sends (tag filters, poly, recursion
to members and nodes) over elements of an OpenStreetMap file.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep  # by name: tests put another in its place
from urllib.parse import parse_qs, urlsplit

import osmium
import shapely

STATEMENT = re.compile(r"(node|way|relation)((?:\[[^\]]*\])+)\(poly:'([^']*)'\)")
FILTER = re.compile(r"""\[["']([^"']*)["'](?:(!~|~|!=|=)["']([^"']*)["'])?\]""")


def load_elements(path):
    """Return Overpass elements by (type, id); ways without their missing nodes, relations whole."""
    elements = {}
    for thing in osmium.FileProcessor(path):
        tags = {"tags": dict(thing.tags)} if len(thing.tags) else {}
        if thing.is_node():
            elements["node", thing.id] = {
                "type": "node",
                "id": thing.id,
                "lat": thing.location.lat,
                "lon": thing.location.lon,
                **tags,
            }
        elif thing.is_way():
            refs = [node.ref for node in thing.nodes if ("node", node.ref) in elements]
            if len(refs) > 1:
                elements["way", thing.id] = {"type": "way", "id": thing.id, "nodes": refs, **tags}
        else:
            kinds = {"n": "node", "w": "way", "r": "relation"}
            members = [{"type": kinds[m.type], "ref": m.ref, "role": m.role} for m in thing.members]
            elements["relation", thing.id] = {"type": "relation", "id": thing.id, "members": members, **tags}
    return elements


class MapServer:
    """Serves `elements`; `places` maps a name to Nominatim's results.

    `fault` may be set to a callable that takes the path of a request and
    returns None (answer as usual) or (status, body, seconds of delay).
    """

    def __init__(self, elements, places):
        self.elements, self.places = elements, places
        self.asked: list[str] = []
        self.fault: Callable[[str], tuple[int, bytes, float] | None] = lambda _: None
        self._tagged = {key: e for key, e in elements.items() if "tags" in e}
        xy = {key[1]: (e["lon"], e["lat"]) for key, e in elements.items() if key[0] == "node"}
        self._shapes = {key: shapely.Point(xy[key[1]]) for key in elements if key[0] == "node"}
        self._shapes |= {
            key: shapely.LineString([xy[ref] for ref in e["nodes"]]) for key, e in elements.items() if key[0] == "way"
        }
        handler = type("Handler", (_Handler,), {"map": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def overpass(self, query):
        found = set()
        statements = STATEMENT.findall(query)
        assert statements, query
        for kind, filters, poly in statements:
            numbers = [float(text) for text in poly.split()]
            polygon = shapely.Polygon(list(zip(numbers[1::2], numbers[::2], strict=True)))
            shapely.prepare(polygon)
            wanted = FILTER.findall(filters)
            found |= {
                key
                for key, element in self._tagged.items()
                if key[0] == kind and _passes(element["tags"], wanted) and self._in(key, polygon)
            }
        return [self.elements[key] for key in sorted(self._with_parts(found))]

    def _in(self, key, polygon):
        if key[0] == "relation":
            members = [(m["type"], m["ref"]) for m in self.elements[key]["members"] if m["type"] != "relation"]
            return any(self._in(member, polygon) for member in members if member in self.elements)
        return polygon.intersects(self._shapes[key])

    def _with_parts(self, keys):
        members = {(m["type"], m["ref"]) for key in keys if key[0] == "relation" for m in self.elements[key]["members"]}
        keys = keys | {key for key in members if key[0] != "relation" and key in self.elements}
        return keys | {("node", ref) for key in keys if key[0] == "way" for ref in self.elements[key]["nodes"]}


def _passes(tags, filters):
    for key, operator, value in filters:
        has = tags.get(key)
        passes = {
            "": has is not None,
            "=": has == value,
            "!=": has != value,
            "~": has is not None and re.search(value, has),
            "!~": has is None or not re.search(value, has),
        }[operator]
        if not passes:
            return False
    return True


class _Handler(BaseHTTPRequestHandler):
    map: MapServer

    def do_GET(self):
        parts = urlsplit(self.path)
        if self._failed(parts.path):
            return
        if parts.path == "/search":
            self._answer(self.map.places.get(parse_qs(parts.query)["q"][0], []))
        elif parts.path == "/api/status":
            text = "Connected as: 1\nCurrent time: 2024-01-01T00:00:00Z\n\nRate limit: 2\n2 slots available now.\n"
            self._send(200, text.encode(), "text/plain")
        else:
            self._send(404, b"nothing here", "text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self._failed(self.path):
            return
        query = parse_qs(body)["data"][0]
        stated = {"timestamp_osm_base": "2024-05-06T07:08:09Z"}
        self._answer({"version": 0.6, "osm3s": stated, "elements": self.map.overpass(query)})

    def _failed(self, path):
        self.map.asked.append(path)
        fault = self.map.fault(path)
        if fault is not None:
            status, body, delay_s = fault
            sleep(delay_s)
            self._send(status, body, "text/html")
        return fault is not None

    def _answer(self, answer):
        self._send(200, json.dumps(answer).encode(), "application/json")

    def _send(self, status, body, kind):
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            pass  # the client gave up waiting: some tests want just that

    def log_message(self, *args):
        """Keep quiet."""
