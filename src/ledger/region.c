#include "ledger/region.h"

#include <string.h>

/* GB/T 2260 (province, city, county: two digits each) continued by the statistical bureau's street and
 * village (three each). */
static const unsigned char level_end[] = {0, 2, 4, 6, 9, 12};
enum { LEVELS = 5 };

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

static bool letter(char c) {
    return c >= 'A' && c <= 'Z';
}

/* Level of a digit code by its length, -1 when no level ends there. */
static int digits_level(size_t n) {
    for (int level = 1; level <= LEVELS; level++)
        if (level_end[level] == n) return level;
    return -1;
}

/* Cuts levels that are all zero: cities without counties write 441900 for their county, so the cut repeats.
 */
static size_t digits_cut(const char *s, size_t n) {
    for (int level = digits_level(n); level >= 1; level--) {
        for (size_t i = level_end[level - 1]; i < level_end[level]; i++)
            if (s[i] != '0') return level_end[level];
    }
    return 0;
}

/* Other places: two letters of ISO 3166-1, then letters of a subdivision as one level, then digits in pairs
 * (the last group takes the odd one: KR 11 680). Writes the end of each level and returns how many there are.
 */
static int letters_levels(const char *s, size_t n, size_t ends[REGION_MAX + 1]) {
    int levels = 0;
    size_t i = 2;
    ends[levels++] = i;
    while (i < n && letter(s[i])) i++;
    if (i > 2) ends[levels++] = i;
    while (i < n) {
        i += n - i == 3 ? 3 : n - i < 2 ? n - i : 2;
        ends[levels++] = i;
    }
    return levels;
}

bool region_canonical(struct text t, char out[REGION_MAX + 1]) {
    char s[REGION_MAX + 1];
    size_t n = 0;
    t = text_trim(t);
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (c == '-' && i == 2 && letter(s[0])) continue; /* ISO 3166-2 writes KR-11 */
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        if (n == REGION_MAX || (!digit(c) && !letter(c))) return false;
        s[n++] = c;
    }
    if (n < 2) return false;
    if (digit(s[0])) {
        for (size_t i = 0; i < n; i++)
            if (!digit(s[i])) return false;
        if (digits_level(n) < 0 || s[0] == '0') return false;
        n = digits_cut(s, n);
    } else {
        if (!letter(s[1])) return false;
        size_t i = 2;
        while (i < n && letter(s[i])) i++;
        while (i < n && digit(s[i])) i++;
        if (i < n) return false; /* a letter after a digit has no place in the levels */
    }
    memcpy(out, s, n);
    out[n] = '\0';
    return true;
}

bool region_within(struct text region, struct text subtree) {
    return text_starts(region, subtree);
}

int region_level(struct text region) {
    if (region.n == 0) return 0;
    if (digit(region.s[0])) {
        int level = 1;
        while (level < LEVELS && level_end[level] < region.n) level++;
        return level;
    }
    if (region.n < 2 || region.n > REGION_MAX) return 1;
    size_t ends[REGION_MAX + 1];
    int levels = letters_levels(region.s, region.n, ends);
    return levels > LEVELS ? LEVELS : levels;
}

struct text region_parent(struct text region) {
    if (region.n <= 2 || region.n > REGION_MAX) return (struct text){region.s, 0};
    if (digit(region.s[0])) {
        size_t n = level_end[region_level(region) - 1];
        return (struct text){region.s, digits_cut(region.s, n)};
    }
    size_t ends[REGION_MAX + 1];
    int levels = letters_levels(region.s, region.n, ends);
    return (struct text){region.s, levels > 1 ? ends[levels - 2] : 0};
}

bool region_end(struct text subtree, char out[REGION_MAX + 2]) {
    size_t n = subtree.n;
    if (n == 0 || n > REGION_MAX) return false;
    memcpy(out, subtree.s, n);
    /* Only digits and capitals, digits before capitals: so the bound holds under any collation, not just
     * bytewise. */
    while (n && out[n - 1] == 'Z') n--;
    if (n == 0) {
        memset(out, 'Z', REGION_MAX + 1);
        out[REGION_MAX + 1] = '\0';
        return true;
    }
    out[n - 1] = out[n - 1] == '9' ? 'A' : (char)(out[n - 1] + 1);
    out[n] = '\0';
    return true;
}

void region_display(struct text region, char out[REGION_MAX + 1]) {
    size_t n = region.n > REGION_MAX ? REGION_MAX : region.n;
    if (n) memcpy(out, region.s, n);
    if (n && digit(out[0]))
        while (n < 6) out[n++] = '0';
    out[n] = '\0';
}
