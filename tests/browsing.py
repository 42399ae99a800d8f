"""A page in a browser with no network: every request is refused, and all that goes wrong is written down."""

import shutil
import time

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Visit:
    """One page, opened with every request but its own file refused and all that goes wrong written down."""

    def __init__(self, browser, path, width=1300):
        self.faults = []
        context = browser.new_context(viewport={"width": width, "height": 900})
        self.page = context.new_page()
        self.page.on("console", lambda message: self._note(message.type in {"error", "warning"}, message.text))
        self.page.on("pageerror", lambda error: self._note(True, f"error: {error}"))
        self.page.on("dialog", self._dialog)
        own = path.resolve().as_uri()
        self.page.route("**/*", lambda route: self._request(route, own))
        started = time.perf_counter()
        self.page.goto(own, wait_until="load")
        self.seconds = time.perf_counter() - started

    def _note(self, wrong, text):
        if wrong:
            self.faults.append(text)

    def _dialog(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, route, own):
        if route.request.url.split("#")[0] == own:
            route.continue_()
        else:
            self.faults.append(f"request: {route.request.url}")
            route.abort()

    def count(self, selector):
        return self.page.locator(selector).count()

    def serious_faults(self):
        """Return what axe-core finds to be serious or critical for readers with disabilities."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            (fault["id"], node["html"][:120], node["failureSummary"])
            for fault in found
            if fault["impact"] in {"serious", "critical"}
            for node in fault["nodes"]
        ]

    def shown(self, selector):
        return self.page.locator(f"{selector}:visible").all_inner_texts()
