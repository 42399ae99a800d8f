/* The yardstick: the same search in C. Bucketed search up to a limit (Dial 1969), straight through junctions with
   one way on; arcs packed as milliseconds * 2^32 + head. Writes all (junction, ms) pairs of each source. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NEVER 0x7FFFFFFF

/* Returns the number of pairs, -1 where they don't fit. */
int64_t rows(int64_t nodes, const int64_t *start, const int64_t *arcs, int64_t sources, const int32_t *source,
             int64_t cutoff_ms, int shift, int64_t room, int64_t *counts, int32_t *other, int32_t *other_ms)
{
    int64_t ceiling = ((cutoff_ms + 1) << 32) - 1, buckets = (ceiling >> shift) + 1, most = start[nodes] + nodes;
    int32_t *best = malloc(nodes * sizeof *best), *order = malloc(nodes * sizeof *order);
    int32_t *heads = malloc(buckets * sizeof *heads), *nexts = malloc(most * sizeof *nexts);
    int64_t *keys = malloc(most * sizeof *keys), total = 0;
    for (int64_t i = 0; i < nodes; i++) best[i] = NEVER;
    memset(heads, 0xFF, buckets * sizeof *heads);
    for (int64_t s = 0; s < sources; s++) {
        int64_t reached = 1, top = 1, free_ = -1;
        best[source[s]] = 0, order[0] = source[s], keys[0] = source[s], nexts[0] = -1, heads[0] = 0;
        for (int64_t bucket = 0; bucket < buckets;) {
            int64_t entry = heads[bucket];
            if (entry < 0) { bucket++; continue; }
            heads[bucket] = nexts[entry], nexts[entry] = free_, free_ = entry;
            int64_t key = keys[entry], node = key & 0xFFFFFFFF;
            if (best[node] != key >> 32) continue;
            for (int64_t row = start[node]; row < start[node + 1]; row++) {
                int64_t before = node, path = key - node + arcs[row];
                while (path <= ceiling) {
                    int64_t head = path & 0xFFFFFFFF, ways = 0, onward = 0;
                    int32_t ms = path >> 32, known = best[head];
                    if (ms >= known) break;
                    best[head] = ms;
                    if (known == NEVER) order[reached++] = head;
                    if (start[head + 1] - start[head] > 2) ways = 2;
                    else for (int64_t way = start[head]; way < start[head + 1]; way++)
                        if ((arcs[way] & 0xFFFFFFFF) != before) ways++, onward = arcs[way];
                    if (ways == 1) { before = head, path += onward - head; continue; }
                    if (ways > 1) {
                        entry = free_;
                        if (free_ >= 0) free_ = nexts[free_];
                        else if (top == most) { total = -1; goto out; }
                        else entry = top++;
                        keys[entry] = path, nexts[entry] = heads[path >> shift], heads[path >> shift] = entry;
                    }
                    break;
                }
            }
        }
        if (total + reached > room) { total = -1; goto out; }
        for (int64_t i = 0; i < reached; i++) {
            other[total + i] = order[i], other_ms[total + i] = best[order[i]], best[order[i]] = NEVER;
        }
        counts[s] = reached, total += reached;
    }
out:
    free(best), free(order), free(heads), free(nexts), free(keys);
    return total;
}
