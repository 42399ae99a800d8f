/* Open and close sites on the map; the figures follow, computed from the times in this page. */
"use strict";
careshed.whatif = (() => {
  const NOTICED_MS = 6000; /* a tenth of a minute, the least that a reader would notice */
  const NAMES_SHOWN = 8;
  const NARROW = 640;
  const LOW = 520;
  let facts, map, trial, base, now, view;
  let open = []; /* for each site whether it is open */
  let say, plain, node, both, known, count, minutes, percent, change; /* see careshed.wording */

  /* times are decoded when they are first asked for */
  const ready = () => {
    if (trial) return;
    trial = careshed.trial(facts);
    open = facts.sites.map((site) => site.planned);
    base = now = trial.evaluate(open);
  };

  /* ---- the map: a mark for each site, a dot for each demand point ---- */

  const state = (s) => {
    const { planned, today } = facts.sites[s];
    if (open[s]) return planned ? (today ? "existing" : "new") : "opened";
    return planned ? "shut" : "idle";
  };

  const dot = (i) => {
    const [is, was] = [trial.within(now.best[i]), trial.within(base.best[i])];
    if (!is) return was ? "lost" : "beyond";
    if (!was) return "gained";
    const later = now.best[i] - base.best[i];
    return Math.abs(later) < NOTICED_MS ? "same" : later > 0 ? "later" : "sooner";
  };

  const describe = (s) => {
    const site = facts.sites[s];
    const tier = facts.tiers.find((one) => one.name === site.tier);
    const facts_ = [facts.units[site.unit], tier && plain(tier.label), plain(facts.statuses[site.status] || [site.status])];
    return [site.name, ...facts_.filter(Boolean)].join(" · ");
  };

  /* what one more click would do */
  const preview = (s) => {
    const tried = trial.evaluate(open.map((is, other) => (other === s ? !is : is)));
    const lead = say(open[s] ? "whatif.if_closed" : "whatif.if_opened");
    const effect = say("whatif.effect", {
      minutes: facts.minutes,
      people: change(count, tried.people_within, now.people_within),
      mean: change(minutes, tried.mean_s, now.mean_s),
    });
    return node("div", "cs-try-tip", node("b", "", describe(s)), node("div", "", both([`${lead[0]}:${effect[0]}`, `${lead[1]}: ${effect[1]}`])));
  };

  const mark = (site, s) => {
    const icon = L.divIcon({ className: "cs-site", html: "", iconSize: [22, 22] });
    const made = L.marker([site.at[1], site.at[0]], { icon, pane: "whatif", riseOnHover: true });
    made.on("click", () => {
      made.closeTooltip(); /* it would hide what has changed */
      toggle(s);
    });
    made.on("dblclick", () => {}); /* else the map would zoom */
    made.on("add", () => {
      const element = made.getElement();
      element.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        L.DomEvent.stop(event);
        toggle(s);
      });
      paint(made, s);
    });
    made.bindTooltip(() => preview(s), { direction: "top", opacity: 0.97, offset: [0, -8] });
    return made;
  };
  const paint = (made, s) => {
    const element = made.getElement();
    if (!element) return;
    const kind = state(s);
    const height = facts.tiers.length - 1 - facts.tiers.findIndex((tier) => tier.name === facts.sites[s].tier);
    element.dataset.state = kind;
    element.classList.toggle("cs-site-lead", height > 0 && height < facts.tiers.length);
    element.setAttribute("aria-pressed", String(open[s]));
    element.setAttribute("aria-label", describe(s));
    made.setZIndexOffset({ idle: 0, existing: 1000, new: 1000, shut: 2000, opened: 2000 }[kind]);
  };

  const layers = () => {
    map.createPane("whatif-people").style.cssText = "z-index: 410; pointer-events: none";
    map.createPane("whatif").style.zIndex = 630;
    const dots = careshed.dots.layer(map, "whatif-people", facts.demand.at);
    const marks = facts.sites.map(mark);
    /* the keyboard comes to stations first */
    const order = [...marks.keys()].sort((a, b) => facts.sites[b].planned - facts.sites[a].planned || a - b);
    return { dots, marks, group: L.layerGroup([dots, ...order.map((s) => marks[s])]) };
  };

  /* ---- the panel ---- */

  const button = (label, press, className = "") => {
    const made = node("button", className, both(label));
    made.type = "button";
    made.addEventListener("click", press);
    return made;
  };
  const heading = (key) => node("h2", "", both(say(key)));
  const baseName = () => say(facts.planned ? "whatif.plan" : "whatif.today");

  const MEASURES = () => [
    [say("whatif.people_within", facts), count, 1, (f) => f.people_within],
    [say("whatif.population_share", facts), percent, 1, (f) => f.population_share],
    ...(facts.demand.calls ? [[say("whatif.calls_share", facts), percent, 1, (f) => f.share_within_target]] : []),
    [say("whatif.mean"), minutes, -1, (f) => f.mean_s],
    [say("whatif.p90"), minutes, -1, (f) => f.p90_s],
    [say(facts.demand.calls ? "whatif.unreachable_calls" : "whatif.unreachable"), count, -1, (f) => f.unreachable],
    ...facts.tiers.map((tier) => [tier.name ? tier.label : say("whatif.stations"), count, 0, (f) => f.tiers[tier.name]]),
  ];

  const table = (caption, headings, rows) => {
    const head = node("tr");
    headings.forEach((label) => {
      const cell = node("th", "", both(label));
      cell.scope = "col";
      head.append(cell);
    });
    const made = node("table", "cs-try-table", node("caption", "cs-unseen", plain(caption)), node("thead", "", head), node("tbody", "", ...rows));
    return made;
  };
  const row = (label, ...cells) => {
    const head = node("th", "", label);
    head.scope = "row";
    return node("tr", "", head, ...cells);
  };
  const cell = (text, className) => node("td", className || "", text);
  const sense = (better, after, before) =>
    !better || !known(after) || !known(before) || after === before ? "cs-note" : after > before === better > 0 ? "cs-met" : "cs-missed";

  const figureTable = () =>
    table(
      say("whatif.figure"),
      [say("whatif.figure"), baseName(), say("whatif.trial"), say("whatif.difference")],
      MEASURES().map(([label, show, better, of]) => {
        const [before, after] = [of(base), of(now)];
        const differs = after !== before && known(after);
        return row(
          both(label),
          cell(show(before)),
          cell(show(after), differs ? "cs-try-now" : ""),
          cell(change(show, after, before), sense(better, after, before))
        );
      })
    );

  const TIMES = new Set(["mean_response", "median_response", "p90_response"]);
  const COUNTS = new Set(["station_count", "tier_count", "min_stations_per_subdistrict", "facility_count"]);
  const shown = (statistic) => (TIMES.has(statistic) ? minutes : COUNTS.has(statistic) ? count : percent);
  /* a figure just off its limit gets as many decimals as show the difference */
  const figureText = (statistic, value, limit) => {
    const show = shown(statistic);
    let text = show(value);
    for (let decimals = 1; decimals <= 5; decimals += 1) {
      text = show(value, decimals);
      if (value === limit || text !== show(limit, decimals)) break;
    }
    return text + (TIMES.has(statistic) && known(value) ? " min" : "");
  };
  const verdict = (is) => (is === null ? "" : node("span", is ? "cs-met" : "cs-missed", is ? "✓" : "✗", node("span", "cs-unseen", plain(say(is ? "whatif.met" : "whatif.missed")))));
  const judgedCell = (target, { value, met: is }, before) => {
    if (value === null && target.follows === "phases") return node("td", "cs-note cs-pending", both(say("whatif.not_judged")));
    const held = node("td", "", verdict(is), " ", figureText(target.statistic, value, target.limit));
    if (before && value !== before.value && known(before.value)) {
      held.append(node("small", "", ` ${change(shown(target.statistic), value, before.value)}`));
      held.className = before.met === is ? "cs-try-now" : "cs-try-now cs-try-turned";
    }
    return held;
  };
  const targetText = ({ statistic, limit, at_least: least }) =>
    `${least ? "≥" : "≤"} ${shown(statistic)(limit).replace(/\.0+(?=%|$)/, "")}${TIMES.has(statistic) ? " min" : ""}`;

  const scoreRows = (wanted) =>
    facts.rows.flatMap((target, r) => {
      if (!wanted(target)) return [];
      const [before, after] = [base.rows[r], now.rows[r]];
      const title = node("span", "", node("b", "", target.id), ` ${target.text}`);
      return [row(title, cell(targetText(target)), judgedCell(target, before), judgedCell(target, after, before))];
    });
  const scoreTable = (rows) =>
    table(say("whatif.scorecard"), [say("whatif.figure"), say("whatif.target"), baseName(), say("whatif.trial")], rows);

  const scorecard = () => {
    const ours = scoreRows((target) => target.follows !== "nothing");
    const rest = scoreRows((target) => target.follows === "nothing");
    const parts = ours.length ? [heading("whatif.scorecard"), scoreTable(ours)] : [];
    if (facts.rows.some((target) => target.follows === "phases")) parts.push(node("p", "cs-note", both(say("whatif.phases_note"))));
    if (rest.length) {
      const summary = node("summary", "", both(say("whatif.unaffected", { number: rest.length })));
      parts.push(node("details", "", summary, scoreTable(rest)));
    }
    return parts;
  };

  const differing = (kind) => facts.sites.flatMap((_, s) => (state(s) === kind ? [s] : []));
  const names = (key, list) => {
    if (!list.length) return [];
    const more = list.length > NAMES_SHOWN ? ` ${plain(say("whatif.more", { number: list.length }))}` : "";
    const text = list.slice(0, NAMES_SHOWN).map((c) => facts.communities[c]).join(", ");
    return [node("p", "", node("b", "", both(say(key)), ` ${list.length}: `), text + more)];
  };
  const changes = () => {
    const chips = (key, kind) => {
      const sites = differing(kind);
      if (!sites.length) return [];
      const held = sites.map((s) => {
        const chip = node("button", `cs-try-chip cs-try-${kind}`, facts.sites[s].name);
        chip.type = "button";
        chip.addEventListener("click", () => {
          toggle(s);
          view.switch.focus();
        });
        return chip;
      });
      return [node("p", "cs-try-chips", node("b", "", both(say(key)), ` ${sites.length}`), ...held)];
    };
    const parts = [...chips("whatif.opened", "opened"), ...chips("whatif.closed", "shut")];
    if (!parts.length) return [];
    parts.push(node("p", "cs-note", both(say("whatif.undo"))));
    const moved = (to) => facts.communities.flatMap((_, c) => (now.communities[c] === to && base.communities[c] === !to ? [c] : []));
    const lines = [...names("whatif.gained", moved(true)), ...names("whatif.lost", moved(false))];
    if (facts.communities.length) {
      if (!lines.length) lines.push(node("p", "", both(say("whatif.none_changed"))));
      const note = say("whatif.communities_note", { share: percent(facts.community_share, 0), minutes: facts.minutes });
      lines.push(node("p", "cs-note", both(note)));
    }
    return [heading("whatif.changes"), ...parts, ...lines];
  };

  const news = () => {
    const [opened, closed] = [differing("opened").length, differing("shut").length];
    if (!opened && !closed) return say(facts.planned ? "whatif.same_plan" : "whatif.same_today");
    return say("whatif.news", {
      opened,
      closed,
      minutes: facts.minutes,
      people: count(now.people_within),
      people_change: change(count, now.people_within, base.people_within),
      mean: minutes(now.mean_s),
      mean_change: change(minutes, now.mean_s, base.mean_s),
    });
  };

  /* rows of the scorecard that are met now and were not, or the other way round */
  const turned = () =>
    facts.rows.flatMap((target, r) => {
      const [was, is] = [base.rows[r].met, now.rows[r].met];
      if (is === was || is === null || was === null) return [];
      return [node("span", "cs-try-turn", verdict(is), ` ${target.id} ${target.text}`)];
    });

  /* the legend stands on the map; each kind of dot with the people it stands for */
  const legend = () => {
    const counts = {};
    const line = (className, kind, key) => {
      const sample = node("span", className);
      sample.dataset.state = kind;
      counts[kind] = node("span", "cs-try-count");
      return node("li", "", node("span", "cs-key", sample), both(say(key, facts)), counts[kind]);
    };
    const sites = facts.planned ? ["existing", "new", "opened", "shut", "idle"] : ["existing", "opened", "shut", "idle"];
    const list = node("ul", "", ...sites.map((kind) => line("cs-site", kind, `whatif.mark_${kind}`)));
    list.append(node("li", "cs-try-of", both(say(facts.planned ? "whatif.dots" : "whatif.dots_today"))), ...careshed.dots.kinds.map((kind) => line("cs-try-dot", kind, `whatif.dot_${kind}`)));
    const held = node("details", "leaflet-bar cs-try-legend", node("summary", "", both(say("whatif.marks"))), list);
    held.open = map.getSize().x >= NARROW && map.getSize().y >= LOW;
    L.DomEvent.disableClickPropagation(held);
    const control = L.control({ position: "topright" });
    control.onAdd = () => held;
    return { legend: control, counts };
  };
  const recolour = () => {
    const kinds = facts.demand.people.map((_, i) => dot(i));
    const sums = Object.fromEntries(Object.keys(view.counts).map((kind) => [kind, 0]));
    facts.sites.forEach((_, s) => (sums[state(s)] += 1));
    facts.demand.people.forEach((people, i) => (sums[kinds[i]] += people));
    Object.entries(view.counts).forEach(([kind, held]) => (held.textContent = count(sums[kind])));
    view.dots.draw(kinds);
  };

  /* ---- a plan to take away ---- */

  const ids = (wanted) => facts.sites.filter((site, s) => wanted(site, s)).map((site) => site.id);
  const planText = () => JSON.stringify({ stations: ids((_, s) => open[s]) });
  const closedText = () => JSON.stringify({ stations: ids((site, s) => site.today && !open[s]) });
  const field = (label, text) => {
    const held = node("textarea", "", text);
    held.readOnly = true;
    held.rows = 3;
    held.spellcheck = false;
    held.addEventListener("focus", () => held.select());
    return node("label", "", both(label), held);
  };
  const copy = async () => {
    const closing = facts.sites.some((site, s) => site.today && !open[s]);
    const count_ = ` --required whatif.json --stations ${now.stations}`;
    const plan = field(say("whatif.plan_text"), planText());
    const parts = [plan];
    if (closing) parts.push(field(say("whatif.closed_text"), closedText()));
    parts.push(field(say("whatif.command"), facts.command + count_ + (closing ? " --exclude closed.json" : "")));
    view.copied.replaceChildren(...parts);
    let told = say("whatif.copied");
    try {
      await navigator.clipboard.writeText(planText());
    } catch (refused) {
      const text = plan.querySelector("textarea");
      text.focus();
      if (!document.execCommand("copy")) told = say("whatif.copy_by_hand");
    }
    view.live.replaceChildren(both(news()), ...turned(), node("span", "cs-try-turn", both(told)));
  };

  /* ---- putting it together ---- */

  const show = () => {
    now = trial.evaluate(open);
    view.live.replaceChildren(both(news()), ...turned());
    view.figures.replaceChildren(figureTable());
    view.scorecard.replaceChildren(...scorecard());
    view.changes.replaceChildren(...changes());
    view.copied.replaceChildren();
    recolour();
  };
  const toggle = (s) => {
    open[s] = !open[s];
    paint(view.marks[s], s);
    show();
  };
  const set = (chosen) => {
    ready();
    const wanted = new Set(chosen);
    open = facts.sites.map((site) => wanted.has(site.id));
    if (!view.marks) return;
    view.marks.forEach(paint);
    show();
  };

  const build = () => {
    const live = node("p", "cs-try-news");
    live.setAttribute("role", "status");
    live.setAttribute("aria-live", "polite");
    const parts = { live, figures: node("div"), scorecard: node("div"), changes: node("div"), copied: node("div", "cs-try-copied") };
    const buttons = node("p", "cs-try-buttons", button(say(facts.planned ? "whatif.reset" : "whatif.reset_now"), () => set(ids((site) => site.planned))));
    if (facts.planned) buttons.append(button(say("whatif.today_only"), () => set(ids((site) => site.today))));
    buttons.append(button(say("whatif.copy"), copy));
    const hint = node("p", "cs-note", both(say("whatif.hint")));
    view = { ...view, ...layers(), ...legend(), ...parts };
    view.panel.append(hint, live, buttons, parts.copied, parts.figures, parts.changes, parts.scorecard);
  };

  /* first time: all people in view, beside the legend */
  const fit = () => {
    map.invalidateSize({ animate: false });
    const beside = view.legend.getContainer().offsetWidth;
    const bounds = L.latLngBounds(facts.demand.at.map(([x, y]) => [y, x]));
    map.fitBounds(bounds, { paddingTopLeft: [16, 16], paddingBottomRight: [16 + (map.getSize().x < NARROW ? 0 : beside), 16], animate: false });
  };
  const turn = (on) => {
    ready();
    const first = !view.panel.firstChild;
    if (first) build();
    document.body.classList.toggle("cs-trying", on);
    view.switch.setAttribute("aria-pressed", String(on));
    view.panel.hidden = !on;
    map.closePopup();
    [view.group, view.legend].forEach((part) => (on ? part.addTo(map) : part.remove()));
    if (on) show();
    if (first) fit();
  };

  const start = (drawn, given) => {
    facts = given;
    map = drawn;
    ({ say, plain, node, both, known, count, minutes, percent, change } = careshed.wording(facts.words));
    const panel = node("section", "cs-try");
    panel.hidden = true;
    panel.setAttribute("aria-label", plain(say("whatif.switch")));
    const turnable = button(say("whatif.switch"), () => turn(panel.hidden), "cs-try-switch");
    turnable.setAttribute("aria-pressed", "false");
    view = { switch: turnable, panel };
    const figures = document.querySelector(".cs-panel .cs-figures");
    figures.before(turnable, panel);
  };

  /* figures of the sites that are open, as numbers */
  const figures = () => {
    ready();
    const { best, communities, whole, ...found } = trial.evaluate(open);
    return { open: ids((_, s) => open[s]), ...found };
  };

  return { start, set, figures };
})();
