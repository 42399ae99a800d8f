/* What a careshed map does in the browser. Text from data is set with textContent, never as markup. */
"use strict";
const careshed = (() => {
  const NARROW = 640;
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
    return L.marker(at, { icon, alt: t, zIndexOffset: above, riseOnHover: true });
  };

  const card = (titles) => (feature, layer) => {
    const { t, v } = feature.properties;
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

  const legend = (map, layers) => {
    const sections = document.querySelectorAll(".cs-legend [data-layer]");
    const sync = () => sections.forEach((part) => (part.hidden = !map.hasLayer(layers[Number(part.dataset.layer)])));
    map.on("layeradd layerremove", sync);
    sync();
  };

  const start = (map, layers, { bounds, names, openstreetmap }) => {
    /* the list of layers stands on the map: the district is set beside it where there is room, else it folds */
    const list = map.getContainer().querySelector(".leaflet-control-layers");
    const fold = () => list.classList.remove("leaflet-control-layers-expanded");
    if (map.getSize().x < NARROW && list) {
      fold();
      map.on("click", fold);
    }
    const fit = () => {
      const beside = map.getSize().x < NARROW || !list ? 0 : list.offsetWidth;
      map.fitBounds(bounds, { paddingTopLeft: [12, 12], paddingBottomRight: [12 + beside, 12], animate: false });
    };
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
    map.attributionControl.setPrefix("Leaflet");
    if (openstreetmap) {
      map.attributionControl.addAttribution(
        '© <a href="https://www.openstreetmap.org/copyright" rel="noopener">OpenStreetMap contributors</a> (ODbL)'
      );
    }
    fit();
    scale(map);
    labels(map, names);
    legend(map, layers);
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
