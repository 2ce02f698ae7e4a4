/* base: the two-byte part of GB18030 as tables, both ways. Fed by the C library's iconv once; read by
 * base/repair (is this text the bytes of another encoding?) and files (fast decoding). */
#ifndef TOCSIN_BASE_GBK_H
#define TOCSIN_BASE_GBK_H

#include <stdint.h>

enum { GBK_LEADS = 126, GBK_TRAILS = 191 }; /* lead 0x81..0xFE, trail 0x40..0xFE */

struct gbk {
    uint16_t to_unicode[GBK_LEADS][GBK_TRAILS]; /* 0: not a character */
    uint16_t from_unicode[65536];               /* lead << 8 | trail; 0: not in the two-byte part */
};

/* The tables, made at the first call (about a millisecond); NULL when the C library cannot convert GB18030.
 * Threads: any. Never freed: 180 KB of static memory. */
const struct gbk *gbk_tables(void);

#endif
