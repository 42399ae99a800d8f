/* What a careshed map does in the browser. Text from data is set with textContent, never as markup. */
"use strict";
const careshed = (() => {
  const NARROW = 760;
  const renderers = {};
  const style = (feature) => careshed.styles[feature.properties.k];

  /* one SVG a pane: where shapes take the mouse, canvases would hide one another */
  const svg = (pane) => (renderers[pane] ||= L.svg({ pane, padding: 0.5 }));

  const dots = [];
  const point = (pane, interactive) => (feature, at) => {
    const dot = L.circleMarker(at, { pane, interactive, ...(interactive ? { renderer: svg(pane) } : {}), ...style(feature) });
    dots.push([dot, dot.options.radius, dot.options.weight]);
    return dot;
  };

  /* from afar dots and pins are small, so that a whole district can be read */
  const scale = (map) => {
    const fitted = () => {
      const part = Math.min(1, Math.max(0.5, 1 - (12.5 - map.getZoom()) * 0.2));
      dots.forEach(([dot, radius, weight]) => dot.setStyle({ radius: radius * part, weight: weight * part }));
      map.getContainer().classList.toggle("cs-far", map.getZoom() < 12);
    };
    map.on("zoomend", fitted);
    fitted();
  };

  const node = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const pin = (above) => (feature, at) => {
    const { k, s, t } = feature.properties;
    const size = k.includes("cs-tier-2") ? 30 : k.includes("cs-tier-1") ? 26 : k.includes("cs-station") ? 20 : k.includes("cs-care-0") ? 15 : 11;
    const icon = L.divIcon({ className: k, html: node("span", s || ""), iconSize: [size, size] });
    const made = L.marker(at, { icon, zIndexOffset: above, riseOnHover: true });
    return made.on("add", () => made.getElement().setAttribute("aria-label", t));
  };

  const places = []; /* whatever has a card can be searched for */
  const card = (titles) => (feature, layer) => {
    const { t, v } = feature.properties;
    places.push(layer);
    const build = () => {
      const box = node("div", undefined, "cs-card");
      box.append(node("h2", t));
      const list = node("dl");
      (v || []).forEach((value, i) => {
        if (value === null || value === "") return;
        list.append(node("dt", titles[i]), node("dd", value));
      });
      box.append(list);
      return box;
    };
    layer.bindPopup(build, { maxWidth: 320 });
    layer.bindTooltip(() => node("span", t), { sticky: true, direction: "top", opacity: 0.95 });
    if (layer instanceof L.Polygon) {
      layer.on("mouseover", () => layer.setStyle({ weight: 3 }));
      layer.on("mouseout", () => layer.setStyle({ weight: careshed.styles[feature.properties.k].weight }));
    }
  };

  /* a name keeps clear of pins where it can; one that would lie on another is hidden, the first given wins */
  const OFFSETS = [0, -16, 16, -30, 30];
  const apart = (a, b) => a.right < b.left || a.left > b.right || a.bottom < b.top || a.top > b.bottom;
  const labels = (map, names) => {
    const marks = names.map(([x, y, text]) =>
      L.marker([y, x], {
        pane: "names",
        interactive: false,
        keyboard: false,
        icon: L.divIcon({ className: "cs-name", html: node("span", text), iconSize: null }),
      }).addTo(map)
    );
    const place = () => {
      const pins = [...map.getPane("markerPane").children].map((pin) => pin.getBoundingClientRect());
      const kept = [];
      for (const mark of marks) {
        const span = mark.getElement().firstChild;
        span.style.cssText = "";
        const { left, right, top, bottom } = span.getBoundingClientRect();
        const tries = OFFSETS.map((dy) => ({ dy, left, right, top: top + dy, bottom: bottom + dy }));
        const open = tries.filter((box) => kept.every((other) => apart(box, other)));
        const best = open.find((box) => pins.every((pin) => apart(box, pin))) || open[0];
        if (best) kept.push(best);
        span.style.cssText = best ? `margin-top: ${best.dy}px` : "visibility: hidden";
      }
    };
    let waiting = null;
    const soon = () => (waiting ||= requestAnimationFrame(() => ((waiting = null), place())));
    map.on("zoomend resize layeradd layerremove", soon);
    place();
  };

  const find = (selector) => document.querySelector(selector);

  /* the list in the panel switches layers on and off, and says what those that are on show */
  const legend = (map, layers) => {
    const rows = [...document.querySelectorAll(".cs-legend [data-layer]")].map((part) => ({
      layer: layers[Number(part.dataset.layer)],
      input: part.querySelector("input"),
      keys: part.querySelector(".cs-keys"),
    }));
    const sync = () =>
      rows.forEach(({ layer, input, keys }) => {
        input.checked = map.hasLayer(layer);
        if (keys) keys.hidden = !input.checked;
      });
    const show = (layer, on = true) => {
      const { input } = rows.find((row) => row.layer === layer);
      if (on && input.type === "radio") rows.forEach((row) => row.input.type === "radio" && row.layer.remove());
      if (on) map.addLayer(layer);
      else map.removeLayer(layer);
    };
    rows.forEach(({ layer, input }) => input.addEventListener("change", () => show(layer, input.checked)));
    map.on("layeradd layerremove", (event) => layers.includes(event.layer) && sync());
    sync();
    return show;
  };

  /* a phase shows the stations open by its date; those of the list may be mixed by hand, then no phase is chosen */
  const phases = (map, layers, facts, show) => {
    const steps = [...document.querySelectorAll("[name=cs-phase]")];
    if (!steps.length) return;
    const dated = layers.map((layer, i) => ({ layer, phase: facts[i].phase })).filter(({ phase }) => phase);
    const sync = () => {
      const chosen = steps.find(({ value }) => dated.every(({ layer, phase }) => map.hasLayer(layer) === phase <= value));
      steps.forEach((step) => (step.checked = step === chosen));
      document.querySelectorAll("[data-phase]").forEach((part) => (part.hidden = !chosen || part.dataset.phase !== chosen.value));
    };
    let setting = false;
    steps.forEach((step) =>
      step.addEventListener("change", () => {
        setting = true;
        dated.forEach(({ layer, phase }) => show(layer, phase <= step.value));
        setting = false;
        sync();
      })
    );
    map.on("layeradd layerremove", () => setting || sync());
    sync();
  };

  /* search: the combobox pattern; whatever is picked is shown, even if its layer was off */
  const MOST = 12;
  const plain = (text) => String(text).normalize("NFKC").toLowerCase();
  const search = (map, layers, facts, words, show) => {
    const [input, box, list, note, news] = ["#cs-search", ".cs-hits", "#cs-found", ".cs-said", "#cs-search-news"].map(find);
    const seen = new Set();
    const index = places.flatMap((place) => {
      const { t, i } = place.feature.properties;
      const held = layers.findIndex((layer) => layer.hasLayer(place));
      const at = place.getLatLng ? place.getLatLng() : place.getBounds().getCenter();
      const key = `${t}\n${at.lat.toFixed(4)} ${at.lng.toFixed(4)}`;
      if (seen.has(key)) return [];
      seen.add(key);
      return [{ place, held, title: t, id: i || "", key: plain(`${t} ${i || ""}`), kind: held < 0 ? "" : facts[held].name[0] }];
    });
    let hits = [];
    let active = -1;
    const close = () => {
      box.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const mark = (next) => {
      active = next;
      [...list.querySelectorAll("[role=option]")].forEach((row, n) => {
        row.setAttribute("aria-selected", String(n === active));
        if (n !== active) return;
        input.setAttribute("aria-activedescendant", row.id);
        row.scrollIntoView({ block: "nearest" });
      });
    };
    const pick = ({ place, held, title }) => {
      close();
      input.value = title;
      if (held >= 0) show(layers[held]);
      if (place.getLatLng) map.setView(place.getLatLng(), Math.max(map.getZoom(), 15), { animate: false });
      else map.fitBounds(place.getBounds(), { padding: [40, 40], animate: false });
      place.openPopup();
    };
    const seek = () => {
      const asked = plain(input.value.trim());
      if (!asked) {
        news.textContent = "";
        return close();
      }
      const found = index.filter(({ key }) => key.includes(asked));
      found.sort((a, b) => a.key.indexOf(asked) - b.key.indexOf(asked) || a.key.length - b.key.length);
      hits = found.slice(0, MOST);
      list.replaceChildren(
        ...hits.map((hit, n) => {
          const row = node("li");
          row.id = `cs-hit-${n}`;
          row.setAttribute("role", "option");
          row.append(node("span", hit.title), node("small", [hit.id, hit.kind].filter(Boolean).join(" · ")));
          row.addEventListener("mousedown", (event) => event.preventDefault());
          row.addEventListener("click", () => pick(hit));
          return row;
        })
      );
      const left = found.length - hits.length;
      const said = !found.length ? words.nothing : left ? words.more.replaceAll("{n}", left) : "";
      note.textContent = said;
      list.hidden = !hits.length;
      news.textContent = said || words.found.replaceAll("{n}", found.length);
      box.hidden = false;
      input.setAttribute("aria-expanded", "true");
      mark(hits.length ? 0 : -1);
    };
    input.addEventListener("input", seek);
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && box.hidden) seek();
      else if (step && hits.length) mark((active + step + hits.length) % hits.length);
      else if (event.key === "Enter" && !box.hidden && hits[active]) pick(hits[active]);
      else if (event.key === "Escape" && !box.hidden) close();
      else return;
      event.preventDefault();
    });
  };

  /* measuring: lengths and areas on the sphere that Leaflet measures on */
  const RADIUS_M = 6371000;
  const surface = (points) => {
    const rad = Math.PI / 180;
    const twice = points.reduce((sum, a, i) => {
      const b = points[(i + 1) % points.length];
      return sum + (b.lng - a.lng) * rad * (2 + Math.sin(a.lat * rad) + Math.sin(b.lat * rad));
    }, 0);
    return Math.abs((twice * RADIUS_M * RADIUS_M) / 2);
  };
  const metres = (m) => (m < 1000 ? `${m.toFixed(0)} m` : `${(m / 1000).toFixed(2)} km`);
  const squares = (m2) => (m2 < 1e5 ? `${m2.toFixed(0)} m²` : `${(m2 / 1e6).toFixed(3)} km²`);
  const measure = (map, button, words) => {
    const told = find("#cs-measured");
    const box = map.getContainer();
    const drawn = L.layerGroup();
    const cross = node("div", undefined, "cs-cross");
    const NEAR = 10; /* pixels */
    let points = [];
    let closed = false;
    const pixels = (at) => map.latLngToContainerPoint(at);
    const say = () => {
      const ring = closed ? [...points, points[0]] : points;
      const length_m = ring.slice(1).reduce((sum, at, i) => sum + map.distance(ring[i], at), 0);
      told.textContent = points.length < 2 ? words.hint : `${words.length}: ${metres(length_m)}`;
      if (closed) told.textContent += ` · ${words.surface}: ${squares(surface(points))}`;
    };
    const draw = () => {
      const options = { color: "#a40e26", weight: 3, fillOpacity: 0.12, interactive: false, renderer: svg("measure") };
      drawn.clearLayers();
      drawn.addLayer(closed ? L.polygon(points, options) : L.polyline(points, options));
      points.forEach((at) => drawn.addLayer(L.circleMarker(at, { ...options, radius: 4, fillColor: "#ffffff", fillOpacity: 1, weight: 2 })));
      say();
    };
    const stop = () => {
      button.setAttribute("aria-pressed", "false");
      box.classList.remove("cs-measuring");
      cross.remove();
      map.doubleClickZoom.enable();
      map.off("click", add).off("dblclick", stop);
    };
    const add = ({ latlng }) => {
      const last = points.at(-1);
      if (last && pixels(last).distanceTo(pixels(latlng)) < 2) return; /* the second half of a double click */
      closed = points.length > 2 && pixels(points[0]).distanceTo(pixels(latlng)) < NEAR;
      if (!closed) points.push(latlng);
      draw();
      if (closed) stop();
    };
    const clear = () => {
      stop();
      points = [];
      closed = false;
      drawn.clearLayers();
      told.hidden = true;
    };
    const begin = () => {
      clear();
      button.setAttribute("aria-pressed", "true");
      told.hidden = false;
      box.classList.add("cs-measuring");
      box.append(cross);
      map.doubleClickZoom.disable();
      map.closePopup();
      drawn.addTo(map);
      map.on("click", add).on("dblclick", stop);
      say();
      box.focus({ preventScroll: true });
    };
    map.createPane("measure").style.cssText = "z-index: 640; pointer-events: none";
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === box && box.classList.contains("cs-measuring")) add({ latlng: map.getCenter() });
    });
    document.addEventListener("keydown", (event) => event.key === "Escape" && !told.hidden && clear());
    button.addEventListener("click", () => (told.hidden ? begin() : clear()));
  };

  /* on paper: legend beside the map, set while the browser still measures; what canvases hold is drawn at once */
  const print = (map, button) => {
    let view = null;
    const paper = (on) => {
      if (on === (view !== null)) return;
      const bounds = map.getBounds();
      const before = view;
      view = on ? [map.getCenter(), map.getZoom()] : null;
      document.documentElement.classList.toggle("cs-paper", on);
      find(".cs-printed time").textContent = new Date().toISOString().slice(0, 10);
      map.invalidateSize({ animate: false });
      if (on) map.fitBounds(bounds, { animate: false });
      else map.setView(...before, { animate: false });
      map.eachLayer((layer) => {
        if (!(layer instanceof L.Canvas)) return;
        /* Leaflet would draw at the next frame, which is too late */
        L.Util.cancelAnimFrame(layer._redrawRequest);
        layer._redrawRequest = layer._redrawBounds = null;
        layer._draw();
      });
    };
    addEventListener("beforeprint", () => paper(true));
    addEventListener("afterprint", () => paper(false));
    matchMedia("print").addEventListener("change", (event) => paper(event.matches));
    button.addEventListener("click", () => window.print());
  };

  const fullscreen = (button) => {
    button.hidden = !document.fullscreenEnabled;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()));
    document.addEventListener("fullscreenchange", () => button.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement))));
  };

  const fold = () => {
    const [panel, button] = [find(".cs-panel"), find(".cs-fold")];
    const set = (folded) => {
      panel.classList.toggle("cs-folded", folded);
      button.setAttribute("aria-expanded", String(!folded));
    };
    button.addEventListener("click", () => set(!panel.classList.contains("cs-folded")));
    set(innerWidth <= NARROW);
  };

  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (still) L.Map.mergeOptions({ zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: false });

  const start = (map, layers, facts) => {
    const { words } = facts;
    const tool = (name) => find(`[data-tool=${name}]`);
    fold();
    const fit = () => map.fitBounds(facts.bounds, { padding: [12, 12], animate: false });
    facts.tiles.forEach(({ url, options }) => L.tileLayer(url, options).addTo(map));
    map.getContainer().classList.toggle("cs-tiled", facts.tiles.length > 0);
    L.control.zoom({ position: "bottomright", zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
    map.attributionControl.setPrefix("Leaflet");
    if (facts.credit) map.attributionControl.addAttribution(facts.credit);
    if (facts.openstreetmap) {
      map.attributionControl.addAttribution(
        '© <a href="https://www.openstreetmap.org/copyright" rel="noopener">OpenStreetMap contributors</a> (ODbL)'
      );
    }
    map.on("popupopen", ({ popup }) => popup.getElement().querySelector(".leaflet-popup-close-button")?.setAttribute("aria-label", words.close));
    fit();
    scale(map);
    labels(map, facts.names);
    const show = legend(map, layers);
    phases(map, layers, facts.layers, show);
    search(map, layers, facts.layers, words, show);
    measure(map, tool("measure"), words);
    print(map, tool("print"));
    fullscreen(tool("fullscreen"));
    tool("whole").addEventListener("click", fit);
    /* in a frame that is shown later the map learns its size late */
    let sized = map.getSize().x > 0;
    new ResizeObserver(() => {
      map.invalidateSize();
      if (!sized && map.getSize().x > 0) {
        sized = true;
        fit();
      }
    }).observe(map.getContainer());
    careshed.map = map;
  };

  return { styles: {}, style, svg, point, pin, card, start };
})();
