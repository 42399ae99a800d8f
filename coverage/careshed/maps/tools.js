/* The bar above the map: search, measuring, printing, full screen. */
"use strict";
careshed.tools = (() => {
  const { find, node, svg } = careshed;

  /* search: the combobox pattern; whatever is picked is shown, even if its layer was off */
  const MOST = 12;
  const plain = (text) => String(text).normalize("NFKC").toLowerCase();
  const search = (map, layers, facts, places, words, show) => {
    const [input, box, list, note, news] = ["#cs-search", ".cs-hits", "#cs-found", ".cs-said", "#cs-search-news"].map(find);
    const seen = new Set();
    const index = places.flatMap((place) => {
      const { t, i } = place.feature.properties;
      const held = layers.findIndex((layer) => layer.hasLayer(place));
      const at = place.getLatLng ? place.getLatLng() : place.getBounds().getCenter();
      const key = `${t}\n${at.lat.toFixed(4)} ${at.lng.toFixed(4)}`;
      if (seen.has(key)) return [];
      seen.add(key);
      const names = [...new Set([t, i].filter(Boolean).map(plain))];
      return [{ place, at, held, title: t, id: i === t ? "" : i, names, kind: held < 0 ? "" : facts[held].name[0] }];
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
    const pick = ({ place, at, held, title }) => {
      close();
      input.value = title;
      /* the what-if has its own marks; the layers below it stay as they are */
      if (held >= 0 && !document.body.classList.contains("cs-trying")) show(layers[held]);
      if (place.getLatLng) map.setView(at, Math.max(map.getZoom(), 15), { animate: false });
      else map.fitBounds(place.getBounds(), { padding: [40, 40], animate: false });
      place.getPopup().setLatLng(at).openOn(map);
    };
    const seek = () => {
      const asked = plain(input.value.trim());
      if (!asked) {
        news.textContent = "";
        return close();
      }
      const found = index.filter(({ names }) => names.some((name) => name.includes(asked)));
      /* what is called so, then what begins so */
      const rank = ({ names }) => (names.includes(asked) ? 0 : names.some((name) => name.startsWith(asked)) ? 1 : 2);
      found.sort((a, b) => rank(a) - rank(b) || a.title.length - b.title.length);
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

  /* on paper: one sheet with the map and the panel beside it; a panel that is too long gets a sheet of its own */
  const print = (map, button) => {
    const [root, panel] = [document.documentElement, find(".cs-panel")];
    const drawAs = (layer, renderer) => {
      layer.remove();
      layer.options.renderer = renderer;
      layer.addTo(map);
    };
    let view = null;
    let swapped = [];
    const SNAP = map.options.zoomSnap;
    const paper = (on) => {
      if (on === (view !== null)) return;
      const bounds = map.getBounds();
      const before = view;
      view = on ? [map.getCenter(), map.getZoom(), { animate: false }] : null;
      root.classList.toggle("cs-paper", on);
      root.classList.remove("cs-sheets");
      root.classList.toggle("cs-sheets", on && panel.scrollHeight > panel.clientHeight);
      find(".cs-printed time").textContent = new Date().toISOString().slice(0, 10);
      map.options.zoomSnap = on ? 0 : SNAP;
      map.invalidateSize({ animate: false });
      if (on) map.fitBounds(bounds, { animate: false });
      else map.setView(...before);
      /* a canvas hides on paper what lies below it: shapes of one become SVG */
      swapped.forEach((layer) => drawAs(layer, undefined));
      swapped = [];
      if (on) map.eachLayer((layer) => layer instanceof L.Path && !layer.options.renderer && swapped.push(layer));
      swapped.forEach((layer) => drawAs(layer, svg(layer.options.pane)));
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

  const tool = (name) => find(`[data-tool=${name}]`);
  return ({ map, layers, facts, places, show, fit }) => {
    search(map, layers, facts.layers, places, facts.words, show);
    measure(map, tool("measure"), facts.words);
    print(map, tool("print"));
    fullscreen(tool("fullscreen"));
    tool("whole").addEventListener("click", fit);
  };
})();
