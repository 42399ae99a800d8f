"""Answers beyond the sites: what else would do, what rules cost, and how well a plan holds.

``evaluate``: figures of any open sites; ``marginal``: what each site adds; ``kbest``: the best plans that differ;
``frontier``: coverage by number of stations; ``tradeoff``: response against coverage; ``prices``: what each rule costs;
``robust``: scenarios, closures, and sites of every good plan; ``plots``: figures.
"""
