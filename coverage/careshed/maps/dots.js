/* Dots for the what-if: one canvas for all, thousands of layers would stir the map one by one. */
"use strict";
careshed.dots = (() => {
  /* drawn in this order, so that what has changed lies on top */
  const LOOKS = {
    same: { radius: 1.6, fill: "rgba(87, 96, 106, .45)" },
    beyond: { radius: 2.4, fill: "#ffffff", line: 1.2 },
    later: { radius: 2.8, fill: "#d55e00" },
    sooner: { radius: 2.8, fill: "#0072b2" },
    gained: { radius: 4, fill: "#0072b2" },
    lost: { radius: 3.6, fill: "#ffffff", line: 2.6 },
  };
  const SIDE = 12;

  /* each dot is drawn once and then stamped */
  const stamp = ({ radius, fill, line }, ratio) => {
    const made = document.createElement("canvas");
    made.width = made.height = SIDE * ratio;
    const pen = made.getContext("2d");
    pen.scale(ratio, ratio);
    pen.arc(SIDE / 2, SIDE / 2, radius, 0, 2 * Math.PI);
    pen.fillStyle = fill;
    pen.fill();
    pen.strokeStyle = "#a40e26";
    pen.lineWidth = line;
    if (line) pen.stroke();
    return made;
  };

  /* at: [longitude, latitude] of each dot; draw(kinds) draws them by kind, and again wherever the map goes */
  const layer = (map, pane, at) => {
    const canvas = document.createElement("canvas");
    canvas.className = "leaflet-zoom-hide";
    const places = at.map(([x, y]) => L.latLng(y, x));
    let points = [];
    let kinds = [];
    const paint = () => {
      const ratio = window.devicePixelRatio || 1;
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, canvas.width, canvas.height);
      Object.entries(LOOKS).forEach(([kind, look]) => {
        const image = stamp(look, ratio);
        points.forEach(({ x, y }, i) => {
          if (kinds[i] === kind) pen.drawImage(image, x - SIDE / 2, y - SIDE / 2, SIDE, SIDE);
        });
      });
    };
    const move = () => {
      const ratio = window.devicePixelRatio || 1;
      const size = map.getSize();
      L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
      [canvas.width, canvas.height] = [size.x * ratio, size.y * ratio];
      [canvas.style.width, canvas.style.height] = [`${size.x}px`, `${size.y}px`];
      points = places.map((place) => map.latLngToContainerPoint(place));
      paint();
    };
    const Layer = L.Layer.extend({
      onAdd: () => {
        map.getPane(pane).append(canvas);
        move();
      },
      onRemove: () => canvas.remove(),
      getEvents: () => ({ moveend: move, resize: move }),
    });
    const draw = (wanted) => {
      kinds = wanted;
      requestAnimationFrame(paint);
    };
    return Object.assign(new Layer(), { draw });
  };

  return { kinds: Object.keys(LOOKS), layer };
})();
