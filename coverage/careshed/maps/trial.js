/* Figures of any set of sites, computed from the times in the page as Python computes them: in whole milliseconds. */
"use strict";
careshed.trial = (facts) => {
  const UNREACHED = facts.unreached;
  const known = (value) => value !== null && Number.isFinite(value);

  /* three bytes a time, least first; a row for each site */
  const decoded = (text) => {
    const bytes = atob(text);
    const times = new Int32Array(bytes.length / 3);
    for (let i = 0, b = 0; i < times.length; i += 1, b += 3) {
      times[i] = bytes.charCodeAt(b) | (bytes.charCodeAt(b + 1) << 8) | (bytes.charCodeAt(b + 2) << 16);
    }
    return times;
  };
  const times = decoded(facts.times);
  const people = Float64Array.from(facts.demand.people);
  const weights = facts.demand.calls ? Float64Array.from(facts.demand.calls) : people;

  const nearest = (chosen) => {
    const points = people.length;
    const best = new Int32Array(points).fill(UNREACHED);
    chosen.forEach((is, site) => {
      if (!is) return;
      const row = times.subarray(site * points, (site + 1) * points);
      for (let i = 0; i < points; i += 1) if (row[i] < best[i]) best[i] = row[i];
    });
    return best;
  };

  const within = (ms) => ms < UNREACHED && ms / 1000 <= facts.standard_s;

  /* the smallest time at which the weight so far is at least a share of the whole; unreached ones come last */
  const quantile = (best, order, whole, share) => {
    if (!(whole > 0)) return NaN;
    let sum = 0;
    let last = NaN;
    for (const key of order) {
      const i = key % best.length;
      sum += weights[i];
      last = best[i] < UNREACHED ? best[i] / 1000 : NaN;
      if (sum >= share * whole * (1 - 1e-12)) return last;
    }
    return last;
  };

  const response = (best) => {
    let [whole, served, weighted, inTime, all, reached] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < best.length; i += 1) {
      whole += weights[i];
      all += people[i];
      if (best[i] === UNREACHED) continue;
      served += weights[i];
      weighted += weights[i] * best[i];
      if (!within(best[i])) continue;
      inTime += weights[i];
      reached += people[i];
    }
    return {
      people_within: reached,
      population_share: all > 0 ? reached / all : NaN,
      mean_s: served > 0 ? weighted / served / 1000 : NaN,
      share_within_target: whole > 0 ? inTime / whole : NaN,
      unreachable: whole - served,
      whole,
    };
  };

  const stations = (chosen) => {
    const tiers = Object.fromEntries(facts.tiers.map((tier) => [tier.name, 0]));
    const units = facts.units.map(() => 0);
    facts.sites.forEach((site, s) => {
      if (!chosen[s] || !site.inside) return;
      tiers[site.tier] = (tiers[site.tier] || 0) + 1;
      if (site.unit >= 0) units[site.unit] += 1;
    });
    const counted = facts.tiers.find((tier) => tier.counted).name;
    return { tiers, stations: tiers[counted], fewest: units.length ? Math.min(...units) : NaN };
  };

  /* which communities have enough of their people within the standard; null: nobody lives there */
  const communities = (best) => {
    const sums = facts.communities.map(() => [0, 0]);
    facts.demand.community.forEach((c, i) => {
      if (c < 0) return;
      sums[c][0] += people[i];
      if (within(best[i])) sums[c][1] += people[i];
    });
    return sums.map(([all, near]) => (all > 0 ? near / all >= facts.community_share : null));
  };

  const STATISTICS = {
    mean_response: (f) => f.mean_s,
    median_response: (f) => f.median_s,
    p90_response: (f) => f.p90_s,
    share_within_target: (f) => f.share_within_target,
    station_count: (f) => f.stations,
    tier_count: (f, row) => f.tiers[row.tier] || 0,
    min_stations_per_subdistrict: (f) => f.fewest,
  };
  const met = (row, value) => (known(value) ? (row.at_least ? value >= row.limit : value <= row.limit) : null);
  const judge = (row, found, unchanged) => {
    const stale = row.follows === "phases" && !unchanged;
    const value = row.follows === "sites" ? STATISTICS[row.statistic](found, row) : stale ? null : row.value;
    return { id: row.id, statistic: row.statistic, value: known(value) ? value : null, met: met(row, value) };
  };

  const evaluate = (chosen) => {
    const best = nearest(chosen);
    /* one number that orders by time, then by point */
    const order = new Float64Array(best.length);
    for (let i = 0; i < best.length; i += 1) order[i] = best[i] * best.length + i;
    order.sort();
    const found = { ...response(best), ...stations(chosen), best, communities: communities(best) };
    found.median_s = quantile(best, order, found.whole, 0.5);
    found.p90_s = quantile(best, order, found.whole, 0.9);
    const unchanged = facts.sites.every((site, s) => site.planned === chosen[s]);
    found.rows = facts.rows.map((row) => judge(row, found, unchanged));
    return found;
  };

  return { evaluate, within };
};
