/* Sequences with their names; see fasta.h. */
#include "files/fasta.h"

static struct text line_take(struct text *rest) {
    size_t n = 0;
    while (n < rest->n && rest->s[n] != '\n' && rest->s[n] != '\r') n++;
    struct text line = {rest->s, n};
    if (n < rest->n) n++;
    rest->s += n;
    rest->n -= n;
    return line;
}

bool fasta_next(struct text *rest, struct text *ret_name, struct buf *ret) {
    ret->n = 0;
    while (rest->n && *rest->s != '>') line_take(rest);
    if (!rest->n) return false;
    struct text name = line_take(rest);
    name.s++, name.n--;
    while (name.n && (*name.s == ' ' || *name.s == '\t')) name.s++, name.n--;
    size_t n = 0;
    while (n < name.n && name.s[n] != ' ' && name.s[n] != '\t' && name.s[n] != '|') n++;
    *ret_name = (struct text){name.s, n};
    while (rest->n && *rest->s != '>') {
        struct text line = line_take(rest);
        for (size_t i = 0; i < line.n; i++)
            if (line.s[i] != ' ' && line.s[i] != '\t') buf_char(ret, line.s[i]);
    }
    return true;
}
