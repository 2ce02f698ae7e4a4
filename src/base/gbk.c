#include "base/gbk.h"

#include <iconv.h>
#include <pthread.h>
#include <stddef.h>

static struct gbk tables;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int made;

static void gbk_make(void) {
    iconv_t cd = iconv_open("UTF-16LE", "GB18030");
    if (cd == (iconv_t)-1) return;
    for (unsigned lead = 0; lead < GBK_LEADS; lead++) {
        for (unsigned trail = 0; trail < GBK_TRAILS; trail++) {
            char in[2] = {(char)(lead + 0x81), (char)(trail + 0x40)}, *from = in;
            unsigned char out[4];
            char *to = (char *)out;
            size_t in_left = sizeof in, out_left = sizeof out;
            if (trail + 0x40 == 0x7F) continue;
            iconv(cd, NULL, NULL, NULL, NULL);
            if (iconv(cd, &from, &in_left, &to, &out_left) == (size_t)-1 || out_left != 2) continue;
            uint16_t c = (uint16_t)(out[0] | out[1] << 8);
            tables.to_unicode[lead][trail] = c;
            if (!tables.from_unicode[c])
                tables.from_unicode[c] = (uint16_t)((lead + 0x81) << 8 | (trail + 0x40));
        }
    }
    iconv_close(cd);
    made = 1;
}

const struct gbk *gbk_tables(void) {
    pthread_once(&once, gbk_make);
    return made ? &tables : NULL;
}
