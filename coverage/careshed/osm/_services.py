"""The map services Nominatim and Overpass, as OSMnx asks them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from careshed.errors import CareshedError, DownloadError, InputError
from careshed.streets import ROAD_TAGS

__all__ = ["MapServices", "asking", "step"]

OVERPASS_URL = "https://overpass-api.de/api"
NOMINATIM_URL = "https://nominatim.openstreetmap.org"
_BUSY = frozenset({429, 504})
_LOCK = threading.Lock()
"""OSMnx's settings are global: one download at a time."""


@dataclass(frozen=True, slots=True)
class MapServices:
    """Where and how to ask for OpenStreetMap's data.

    Parameters
    ----------
    overpass_url
        Base address of an Overpass server. With another than the public one,
        OSMnx's pauses for its rate limit are off.
    nominatim_url
        Base address of a Nominatim server.
    cache_folder
        Folder in which answers are kept and looked up; None keeps none.
    timeout_s
        Seconds that a server may take to answer one question.
    retries
        How often a busy server (HTTP 429, 504) is asked again, 55 s later.

    Raises
    ------
    InputError
        If an address is no http(s) address or a figure is out of range.
    """

    overpass_url: str = OVERPASS_URL
    nominatim_url: str = NOMINATIM_URL
    cache_folder: Path | None = None
    timeout_s: int = 180
    retries: int = 2

    def __post_init__(self) -> None:
        """Check addresses and figures."""
        for url in (self.overpass_url, self.nominatim_url):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise InputError(f"{url!r} is no address of a map service; expected http://… or https://…")
        if self.timeout_s < 1 or self.retries < 0:
            raise InputError(
                f"timeout of {self.timeout_s} s, {self.retries} retries; expected at least 1 s and no fewer than 0"
            )

    def settings(self, hook: Callable[..., None]) -> dict[str, Any]:
        """Return OSMnx's settings for these services; `hook` sees every answer first."""
        overpass = self.overpass_url.rstrip("/").removesuffix("/interpreter")
        return {
            "all_oneway": True,  # the way's own order of nodes and its own oneway tag
            "cache_folder": self.cache_folder or "",
            "cache_only_mode": False,
            "doh_url_template": None,  # no third party is asked for addresses
            "http_accept_language": "zh-CN,zh,en",
            "http_referer": "careshed",
            "http_user_agent": "careshed (through OSMnx)",
            "log_console": False,
            "log_file": False,
            "nominatim_url": self.nominatim_url.rstrip("/").removesuffix("/search"),
            "overpass_rate_limit": overpass == OVERPASS_URL,
            "overpass_url": overpass,
            "requests_kwargs": {"hooks": {"response": hook}},
            "requests_timeout": self.timeout_s,
            "use_cache": self.cache_folder is not None,
            "useful_tags_way": list(ROAD_TAGS),
        }


@dataclass(slots=True)
class _Watch:
    """Looks at every answer before OSMnx does.

    OSMnx passes over an answer that a server cut short (it has a ``remark``),
    and asks a busy server again without end: a plan must rest on neither.
    """

    retries: int
    tell: Callable[[str], None]
    dates: list[str] = field(default_factory=list)

    def __call__(self, response: requests.Response, *_: object, **__: object) -> None:
        host = urlsplit(response.url).netloc
        if response.is_redirect or urlsplit(response.url).path.endswith("/status"):
            return
        if response.status_code in _BUSY and self.retries:
            self.retries -= 1
            self.tell(f"{host} is busy ({response.status_code}); asking again in 55 s")
            return
        with response:  # closed here, for OSMnx won't see it
            if not response.ok:
                raise DownloadError(f"{host} answered {response.status_code} {response.reason}")
            try:
                answer = response.json()
            except ValueError:
                start = " ".join(response.text[:80].split())
                raise DownloadError(f"{host} did not answer in JSON but with {start!r}") from None
            if isinstance(answer, dict):
                self._look(host, answer)

    def _look(self, host: str, answer: dict[str, Any]) -> None:
        if "remark" in answer:
            raise DownloadError(f"{host} stopped before the end: {answer['remark']}")
        if not isinstance(answer.get("elements"), list):
            raise DownloadError(f"{host} answered without a list of elements")
        stated = answer.get("osm3s")
        if isinstance(stated, dict):
            self.dates.append(str(stated.get("timestamp_osm_base", "")))


@contextmanager
def asking(services: MapServices, tell: Callable[[str], None]) -> Iterator[_Watch]:
    """Set OSMnx up for some services, and put everything back at the end.

    Parameters
    ----------
    services
        Whom to ask.
    tell
        Is told what goes on.
    """
    import osmnx  # noqa: PLC0415

    watch = _Watch(services.retries, tell)
    wanted = services.settings(watch)
    with _LOCK:
        before = {name: getattr(osmnx.settings, name) for name in wanted}
        resolver = socket.getaddrinfo  # OSMnx replaces it for good
        try:
            for name, value in wanted.items():
                setattr(osmnx.settings, name, value)
            yield watch
        finally:
            for name, value in before.items():
                setattr(osmnx.settings, name, value)
            socket.getaddrinfo = resolver


@contextmanager
def step(what: str, services: MapServices) -> Iterator[None]:
    """Turn whatever goes wrong in one step of a download into one sentence."""
    remedy = (
        "check the connection and the address, wait a few minutes, name another server, "
        "or download an extract and use careshed build --pbf"
    )
    if services.cache_folder is not None:
        remedy += f" (answers so far are kept in {services.cache_folder})"
    try:
        yield
    except DownloadError as error:
        raise DownloadError(f"downloading {what} failed: {error}; {remedy}") from None
    except CareshedError:
        raise
    except requests.Timeout:
        raise DownloadError(
            f"downloading {what} failed: no answer within {services.timeout_s} s; allow more time or {remedy}"
        ) from None
    except requests.RequestException as error:
        raise DownloadError(f"downloading {what} failed: {_reason(error)}; {remedy}") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        raise DownloadError(
            f"downloading {what} failed: the answer can't be used ({_reason(error)}); {remedy}"
        ) from None


def _reason(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
