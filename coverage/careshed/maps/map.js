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
  const PINS = ".leaflet-marker-pane > *, .leaflet-whatif-pane > :not([data-state=idle])";
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
      const pins = [...document.querySelectorAll(PINS)].map((pin) => pin.getBoundingClientRect());
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
    map.on("zoomend resize", place);
    map.on("layeradd layerremove", soon);
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
    careshed.tools({ map, layers, facts, places, show, fit });
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

  return { styles: {}, style, svg, point, pin, card, node, find, start };
})();
