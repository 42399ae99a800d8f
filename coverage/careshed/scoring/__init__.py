"""Batch scoring of candidate sites: what one more facility would bring.

Each candidate is scored alone, against the existing facilities. The search
runs in reverse, from the demand points, which are few, to the candidates,
which may be many; candidates are read, scored and written chunk by chunk, so
that memory is one chunk and a few bytes a candidate.
"""

from careshed.scoring.measure import Baseline, baseline, score_candidates
from careshed.scoring.stream import CHUNK, Scores, score_file

__all__ = ["CHUNK", "Baseline", "Scores", "baseline", "score_candidates", "score_file"]
