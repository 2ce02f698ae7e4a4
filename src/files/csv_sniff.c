#include "files/csv_sniff.h"

#include <string.h>

enum { SNIFF_LINES = 200 };

/* Delimiters per line of the sample, outside quotes; returns lines. */
static size_t sniff_counts(struct text t, char d, size_t counts[SNIFF_LINES]) {
    size_t lines = 0, count = 0, in_line = 0;
    bool quoted = false;
    for (size_t i = 0; i < t.n && lines < SNIFF_LINES; i++) {
        char ch = t.s[i];
        if (quoted) {
            quoted = ch != '"';
        } else if (ch == '"' && (i == 0 || t.s[i - 1] == d || t.s[i - 1] == '\n' || t.s[i - 1] == '\r' ||
                                 t.s[i - 1] == '"')) {
            quoted = true; /* a doubled quote closes and opens again */
        } else if (ch == '\n' || ch == '\r') {
            if (in_line) counts[lines++] = count;
            count = in_line = 0;
            continue;
        } else if (ch == d) {
            count++;
        }
        in_line++;
    }
    /* the last line may be cut; it counts only when it is all there is */
    if (in_line && lines == 0) counts[lines++] = count;
    return lines;
}

char csv_sniff(struct text t) {
    static const char candidates[] = {',', '\t', ';', '|'};
    size_t counts[SNIFF_LINES];
    double best = 0;
    char ret = ',';
    for (size_t k = 0; k < sizeof candidates; k++) {
        size_t n = sniff_counts(t, candidates[k], counts), mode = 0, agree = 0;
        for (size_t i = 0; i < n; i++) {
            size_t same = 0;
            for (size_t j = 0; j < n; j++) same += counts[j] == counts[i];
            if (counts[i] && same > agree) {
                agree = same;
                mode = counts[i];
            }
        }
        if (!mode) continue;
        /* evenness first, then a header that fits, then more columns */
        double score = (double)agree / (double)n + (counts[0] == mode ? 0.5 : 0) +
                       0.1 * (double)mode / (double)(mode + 3);
        if (score > best) {
            best = score;
            ret = candidates[k];
        }
    }
    return ret;
}

bool csv_sep_line(struct text t, char *ret, size_t *ret_n) {
    if (t.n < 6 || memcmp(t.s, "sep=", 4) != 0 || (t.s[5] != '\r' && t.s[5] != '\n')) return false;
    *ret = t.s[4];
    *ret_n = 6 + (t.s[5] == '\r' && t.n > 6 && t.s[6] == '\n');
    return true;
}
