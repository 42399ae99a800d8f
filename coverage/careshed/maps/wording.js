/* Texts and figures for people: both languages, put in as text, never as markup. */
"use strict";
careshed.wording = (words) => {
  const say = (key, blanks = {}) =>
    words[key.split(".")[1]].map((text) => text.replace(/\{(\w+)\}/g, (_, name) => String(blanks[name])));
  const plain = ([zh, en]) => (en && en !== zh ? `${zh} ${en}` : zh);
  const node = (tag, className, ...children) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  const both = ([zh, en]) => {
    const held = node("span", "", zh);
    if (en) {
      const small = node("span", "en", ` ${en}`);
      small.lang = "en";
      held.append(small);
    }
    return held;
  };
  const NOTHING = "–";
  const known = (value) => value !== null && Number.isFinite(value);
  const count = (value) => (known(value) ? Math.round(value).toLocaleString("en-US") : NOTHING);
  const minutes = (value, decimals = 2) => (known(value) ? (value / 60).toFixed(decimals) : NOTHING);
  const percent = (value, decimals = 2) => (known(value) ? `${(value * 100).toFixed(decimals)}%` : NOTHING);
  const change = (show, now, before) => {
    if (!known(now) || !known(before)) return NOTHING;
    const text = show(Math.abs(now - before));
    return now === before ? "±0" : `${now > before ? "+" : "−"}${text}`;
  };

  return { say, plain, node, both, known, count, minutes, percent, change };
};
